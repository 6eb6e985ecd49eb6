#include "convert/kv_b.h"

#include "convert/float_rows.h"
#include "gguf/ggml_blocks.h"

namespace drawbridge {
namespace {

std::optional<DType> float_type(GgmlType type) {
  if (type == GgmlType::kF32) return DType::kF32;
  if (type == GgmlType::kF16) return DType::kF16;
  if (type == GgmlType::kBF16) return DType::kBF16;
  return std::nullopt;
}

/// Rows [from, from + count) of `tensor`, all its outer dimensions taken as one, decoded.
void decode_rows(const GgufTensor& tensor, int64_t from, int64_t count, float* out) {
  const int64_t k = tensor.shape.back();
  const auto row_bytes = static_cast<size_t>(ggml_row_bytes(tensor.type, k));
  const std::byte* row = tensor.data.data() + static_cast<size_t>(from) * row_bytes;
  for (int64_t i = 0; i < count; ++i, row += row_bytes, out += k) decode_ggml_row(tensor.type, row, k, out);
}

/// One head's rows [nope + v, latent] of kv_b_proj.
class HeadReader {
 public:
  HeadReader(const Glm52Config& config, const KvBParts& parts)
      : c_(config),
        parts_(parts),
        transposed_(static_cast<size_t>(c_.kv_lora * c_.qk_nope)),
        rows_(static_cast<size_t>((c_.qk_nope + c_.v_head) * c_.kv_lora)) {}

  std::span<const float> read(int64_t head) {
    decode_rows(*parts_.k_b, head * c_.kv_lora, c_.kv_lora, transposed_.data());
    for (int64_t l = 0; l < c_.kv_lora; ++l) {
      for (int64_t d = 0; d < c_.qk_nope; ++d) {
        rows_[static_cast<size_t>(d * c_.kv_lora + l)] = transposed_[static_cast<size_t>(l * c_.qk_nope + d)];
      }
    }
    decode_rows(*parts_.v_b, head * c_.v_head, c_.v_head, rows_.data() + c_.qk_nope * c_.kv_lora);
    return rows_;
  }

 private:
  const Glm52Config& c_;
  const KvBParts& parts_;
  std::vector<float> transposed_;  // [latent, nope]
  std::vector<float> rows_;        // [nope + v, latent]
};

}  // namespace

DType joined_type(const Glm52Config& config, const KvBParts& parts) {
  const auto type = float_type(parts.k_b->type);
  if (type && parts.k_b->type == parts.v_b->type && *type != DType::kF32) return *type;
  HeadReader reader(config, parts);
  ExactTypes exact;
  for (int64_t head = 0; head < config.n_heads; ++head) exact.see(reader.read(head));
  return exact.narrowest();
}

Status join_kv_b(const Glm52Config& config, const KvBParts& parts, DType dtype, const Sink& sink) {
  HeadReader reader(config, parts);
  std::vector<std::byte> bytes;
  for (int64_t head = 0; head < config.n_heads; ++head) {
    encode_floats(dtype, reader.read(head), bytes);
    DB_TRY(sink(bytes));
  }
  return Status();
}

}  // namespace drawbridge
