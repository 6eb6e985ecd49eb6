// OpCost: what an op must move and compute at least, from shapes and formats alone: every input read once and every
// output written once, in the form in which they lie; nothing that stays inside an op. A profile holds times against
// it.
//
// Operations: a multiply and an add are two; an exponential, a root and a quotient are one each. Moving is none.
#pragma once

#include <cstdint>
#include <span>

#include "backend/backend.h"

namespace drawbridge {

/// In which numbers an op multiplies: the peak that it is held against.
enum class Arithmetic : uint8_t { kF32, kBf16, kInt8 };
inline constexpr size_t kArithmetics = 3;

struct OpCost {
  int64_t weight_bytes = 0;  // of bytes_read: matrices with their scales, norms, biases
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  int64_t operations = 0;
  Arithmetic arithmetic = Arithmetic::kF32;

  int64_t bytes() const { return bytes_read + bytes_written; }
};

/// Of a product with weights in `format` whose inputs `numerics` may put on a grid.
Arithmetic product_arithmetic(WeightFormat format, const Numerics& numerics);
/// Of a product with keys in a cache of this layout.
Arithmetic cache_arithmetic(KvLayout layout);

// Legend as in backend.h. Values between ops are f32, numbers of experts and positions i32.
OpCost embed_cost(int64_t n_tokens, const Matrix& table);
OpCost rms_norm_cost(int64_t n_tokens, int64_t d);
OpCost add_rms_norm_cost(int64_t n_tokens, int64_t d);
OpCost layer_norm_cost(int64_t n_tokens, int64_t d);
OpCost linear_cost(int64_t n_tokens, const Matrix& w, Arithmetic arithmetic);
/// w [H N, K], x [T, H, K].
OpCost linear_heads_cost(int64_t n_tokens, int64_t n_heads, const Matrix& w, Arithmetic arithmetic);
/// `rows` rows (tokens times heads) of width R, turned in place.
OpCost rope_cost(int64_t n_rows, int64_t r);
OpCost kv_write_cost(int64_t n_tokens, const KvFormat& format);
OpCost route_cost(int64_t n_tokens, int64_t n_experts, int64_t n_chosen);
/// `read`: each expert that any token chose, once.
OpCost moe_cost(int64_t n_tokens, int64_t n_chosen, std::span<const MlpMatrices> read, Arithmetic arithmetic);
OpCost swiglu_cost(int64_t n_tokens, int64_t width);
OpCost add_cost(int64_t n_tokens, int64_t d);
OpCost copy_cost(int64_t n_rows, int64_t d);
OpCost fill_cost(int64_t n_rows, int64_t d);

/// Which keys the rows of a step look at.
struct KeyReads {
  int64_t n_pairs = 0;     // of a row and a key
  int64_t n_distinct = 0;  // keys that any row looks at
};
/// `scored`: keys of the rows that must score them (pos >= topk). q [T, H, d], d the cache's width.
OpCost index_topk_cost(int64_t n_tokens, int64_t n_heads, int64_t topk, const KvFormat& format, const KeyReads& scored);
/// o, q_latent [T, H, C], q_rope [T, H, R] with C + R the cache's width.
OpCost mla_attention_cost(int64_t n_tokens, int64_t n_heads, int64_t latent, const KvFormat& format,
                          const KeyReads& selected);

}  // namespace drawbridge
