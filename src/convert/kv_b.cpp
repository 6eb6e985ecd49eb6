#include "convert/kv_b.h"

#include "convert/float_rows.h"
#include "convert/matrix_rows.h"
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

Status join_kv_b(const Glm52Config& config, const KvBParts& parts, DType dtype, const ByteSink& sink) {
  HeadReader reader(config, parts);
  std::vector<std::byte> bytes;
  for (int64_t head = 0; head < config.n_heads; ++head) {
    encode_floats(dtype, reader.read(head), bytes);
    DB_TRY(sink(bytes));
  }
  return Status();
}

GgmlType exact_k_b_type(const Glm52Config& config, const Matrix& kv_b) {
  std::vector<float> row(static_cast<size_t>(config.kv_lora));
  ExactTypes exact;
  for (int64_t head = 0; head < config.n_heads; ++head) {
    for (int64_t d = 0; d < config.qk_nope; ++d) {
      dequantize_row(kv_b, head * (config.qk_nope + config.v_head) + d, row.data());
      exact.see(row);
    }
  }
  const DType narrowest = exact.narrowest();
  if (narrowest == DType::kF32) return GgmlType::kF32;
  return narrowest == DType::kF16 ? GgmlType::kF16 : GgmlType::kBF16;
}

Status split_k_b(const Glm52Config& config, const Matrix& kv_b, GgmlType type, const std::string& name,
                 const ByteSink& sink) {
  const auto nope = static_cast<size_t>(config.qk_nope), latent = static_cast<size_t>(config.kv_lora);
  std::vector<float> row(latent), transposed(latent * nope);
  std::vector<std::byte> bytes;
  for (int64_t head = 0; head < config.n_heads; ++head) {
    for (size_t d = 0; d < nope; ++d) {
      dequantize_row(kv_b, head * (config.qk_nope + config.v_head) + static_cast<int64_t>(d), row.data());
      for (size_t l = 0; l < latent; ++l) transposed[l * nope + d] = row[l];
    }
    bytes.clear();
    for (size_t l = 0; l < latent; ++l) {
      DB_TRY(append_values(std::span(transposed).subspan(l * nope, nope), type, name, bytes));
    }
    DB_TRY(sink(bytes));
  }
  return Status();
}

Status split_v_b(const Glm52Config& config, const Matrix& kv_b, GgmlType type, const std::string& name,
                 const ByteSink& sink) {
  std::vector<std::byte> bytes;
  for (int64_t head = 0; head < config.n_heads; ++head) {
    bytes.clear();
    const int64_t first = head * (config.qk_nope + config.v_head) + config.qk_nope;
    for (int64_t d = 0; d < config.v_head; ++d) DB_TRY(append_row(kv_b, first + d, type, name, bytes));
    DB_TRY(sink(bytes));
  }
  return Status();
}

}  // namespace drawbridge
