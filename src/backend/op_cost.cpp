#include "backend/op_cost.h"

namespace drawbridge {
namespace {

constexpr int64_t kValue = 4;  // bytes of an f32 or an i32

/// `in` and `out` values, `per_value` operations for each of `n`.
OpCost elementwise(int64_t n, int64_t in, int64_t out, int64_t per_value) {
  return OpCost{0, in * n * kValue, out * n * kValue, per_value * n, Arithmetic::kF32};
}

OpCost with_vectors(OpCost cost, int64_t n_vectors, int64_t d) {
  cost.weight_bytes = n_vectors * d * kValue;
  cost.bytes_read += cost.weight_bytes;
  return cost;
}

int64_t mlp_bytes(const MlpMatrices& w) {
  return matrix_bytes(w.gate) + matrix_bytes(w.up) + matrix_bytes(w.down);
}

}  // namespace

Arithmetic product_arithmetic(WeightFormat format, const Numerics& numerics) {
  const InputCodec codec = codec_for_weights(numerics.input_codec, format);
  // FP8 blocks times int8 are no integers.
  if (codec == InputCodec::kInt8 && format != WeightFormat::kFp8Block) return Arithmetic::kInt8;
  if (codec != InputCodec::kNone) return Arithmetic::kBf16;
  return numerics.round_gemm_input && format != WeightFormat::kF32 ? Arithmetic::kBf16 : Arithmetic::kF32;
}

Arithmetic cache_arithmetic(KvLayout layout) {
  return layout == KvLayout::kF32 ? Arithmetic::kF32 : Arithmetic::kBf16;
}

OpCost embed_cost(int64_t n_tokens, const Matrix& table) {
  OpCost cost = elementwise(n_tokens * table.k, 0, 1, 0);
  cost.weight_bytes = table.n == 0 ? 0 : matrix_bytes(table) * n_tokens / table.n;
  cost.bytes_read = cost.weight_bytes + n_tokens * kValue;
  return cost;
}

// Squares and their sum, times 1 / rms, times w.
OpCost rms_norm_cost(int64_t n_tokens, int64_t d) {
  return with_vectors(elementwise(n_tokens * d, 1, 1, 4), 1, d);
}

OpCost add_rms_norm_cost(int64_t n_tokens, int64_t d) {
  return with_vectors(elementwise(n_tokens * d, 2, 2, 5), 1, d);
}

// Sum; difference, square and sum; difference, times 1 / deviation, times w, plus b.
OpCost layer_norm_cost(int64_t n_tokens, int64_t d) {
  return with_vectors(elementwise(n_tokens * d, 1, 1, 8), 2, d);
}

OpCost linear_cost(int64_t n_tokens, const Matrix& w, Arithmetic arithmetic) {
  return linear_heads_cost(n_tokens, 1, w, arithmetic);
}

OpCost linear_heads_cost(int64_t n_tokens, int64_t n_heads, const Matrix& w, Arithmetic arithmetic) {
  const int64_t weights = matrix_bytes(w);
  return OpCost{weights, weights + n_tokens * n_heads * w.k * kValue, n_tokens * w.n * kValue, 2 * n_tokens * w.n * w.k,
                arithmetic};
}

// Two products and a sum; the angles are the same for all layers.
OpCost rope_cost(int64_t n_rows, int64_t r) {
  return elementwise(n_rows * r, 1, 1, 3);
}

OpCost kv_write_cost(int64_t n_tokens, const KvFormat& format) {
  return OpCost{0, n_tokens * format.width * kValue, n_tokens * format.row_bytes, 0, Arithmetic::kF32};
}

// Sigmoid and the bias.
OpCost route_cost(int64_t n_tokens, int64_t n_experts, int64_t n_chosen) {
  OpCost cost = with_vectors(elementwise(n_tokens * n_experts, 1, 0, 4), 1, n_experts);
  cost.bytes_written = 2 * n_tokens * n_chosen * kValue;
  return cost;
}

OpCost moe_cost(int64_t n_tokens, int64_t n_chosen, std::span<const MlpMatrices> read, Arithmetic arithmetic) {
  OpCost cost{0, 0, 0, 0, arithmetic};
  if (read.empty()) return cost;
  for (const MlpMatrices& expert : read) cost.weight_bytes += mlp_bytes(expert);
  const int64_t d = read[0].gate.k, width = read[0].gate.n, n_slots = n_tokens * n_chosen;
  cost.bytes_read = cost.weight_bytes + (n_tokens * d + 2 * n_slots) * kValue;
  cost.bytes_written = n_tokens * d * kValue;
  cost.operations = n_slots * (3 * 2 * d * width + swiglu_cost(1, width).operations + 2 * d);
  return cost;
}

// Exponential, sum, quotient, product.
OpCost swiglu_cost(int64_t n_tokens, int64_t width) {
  return elementwise(n_tokens * width, 2, 1, 4);
}

OpCost add_cost(int64_t n_tokens, int64_t d) {
  return elementwise(n_tokens * d, 2, 1, 1);
}

OpCost copy_cost(int64_t n_rows, int64_t d) {
  return elementwise(n_rows * d, 1, 1, 0);
}

OpCost fill_cost(int64_t n_rows, int64_t d) {
  return elementwise(n_rows * d, 0, 1, 0);
}

OpCost index_topk_cost(int64_t n_tokens, int64_t n_heads, int64_t topk, const KvFormat& format,
                       const KeyReads& scored) {
  OpCost cost;
  cost.bytes_read = scored.n_distinct * format.row_bytes;
  if (scored.n_pairs > 0) cost.bytes_read += n_tokens * n_heads * (format.width + 1) * kValue;
  cost.bytes_written = n_tokens * topk * kValue;
  cost.operations = scored.n_pairs * n_heads * (2 * format.width + 2);
  cost.arithmetic = cache_arithmetic(format.layout);
  return cost;
}

// Per row, key and head: the score over C + R, an exponential, the latent's share of the output.
OpCost mla_attention_cost(int64_t n_tokens, int64_t n_heads, int64_t latent, const KvFormat& format,
                          const KeyReads& selected) {
  OpCost cost;
  cost.bytes_read =
      selected.n_distinct * format.row_bytes + selected.n_pairs * kValue + n_tokens * n_heads * format.width * kValue;
  cost.bytes_written = n_tokens * n_heads * latent * kValue;
  cost.operations = selected.n_pairs * n_heads * (2 * format.width + 1 + 2 * latent);
  cost.arithmetic = cache_arithmetic(format.layout);
  return cost;
}

}  // namespace drawbridge
