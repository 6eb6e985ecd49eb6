#include "convert/matrix_rows.h"

#include <cstring>

#include "gguf/ggml_blocks.h"

namespace drawbridge {
namespace {

std::byte* extend(std::vector<std::byte>& out, int64_t bytes) {
  out.resize(out.size() + static_cast<size_t>(bytes));
  return out.data() + out.size() - bytes;
}

void reorder_mxfp4(const Matrix& w, int64_t n, std::byte* out) {
  const int64_t blocks = w.k / kGgmlBlock;
  const auto* pairs = static_cast<const uint8_t*>(w.data) + n * (w.k / 2);
  const auto* scales = static_cast<const uint8_t*>(w.scale) + n * blocks;
  for (int64_t b = 0; b < blocks; ++b, out += ggml_block_bytes(GgmlType::kMxfp4)) {
    pack_mxfp4_block(pairs + b * (kGgmlBlock / 2), scales[b], out);
  }
}

void reorder_q8(const Matrix& w, int64_t n, std::byte* out) {
  const int64_t blocks = w.k / kGgmlBlock;
  const auto* codes = static_cast<const int8_t*>(w.data) + n * w.k;
  const auto* scales = static_cast<const uint16_t*>(w.scale) + n * blocks;
  for (int64_t b = 0; b < blocks; ++b, out += ggml_block_bytes(GgmlType::kQ8_0)) {
    pack_q8_0_block(codes + b * kGgmlBlock, scales[b], out);
  }
}

}  // namespace

std::optional<GgmlType> same_ggml_type(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32:
      return GgmlType::kF32;
    case WeightFormat::kF16:
      return GgmlType::kF16;
    case WeightFormat::kBF16:
      return GgmlType::kBF16;
    case WeightFormat::kMxfp4:
      return GgmlType::kMxfp4;
    case WeightFormat::kQ8:
      return GgmlType::kQ8_0;
    case WeightFormat::kFp8Block:
      return std::nullopt;
  }
  return std::nullopt;
}

Status append_row(const Matrix& w, int64_t n, GgmlType type, const std::string& name, std::vector<std::byte>& out) {
  if (same_ggml_type(w.format) != type) {
    std::vector<float> values(static_cast<size_t>(w.k));
    dequantize_row(w, n, values.data());
    return append_values(values, type, name, out);
  }
  std::byte* row = extend(out, ggml_row_bytes(type, w.k));
  if (type == GgmlType::kMxfp4) {
    reorder_mxfp4(w, n, row);
  } else if (type == GgmlType::kQ8_0) {
    reorder_q8(w, n, row);
  } else {
    const int64_t bytes = matrix_row_bytes(w.format, w.k);
    std::memcpy(row, static_cast<const std::byte*>(w.data) + n * bytes, static_cast<size_t>(bytes));
  }
  return Status();
}

Status append_values(std::span<const float> row, GgmlType type, const std::string& name, std::vector<std::byte>& out) {
  std::byte* encoded = extend(out, ggml_row_bytes(type, static_cast<int64_t>(row.size())));
  if (encode_ggml_row(type, row, encoded)) return Status();
  return fail(Code::kOutOfRange, "{}: holds a value that is not finite or that {} cannot hold", name,
              ggml_type_name(type));
}

}  // namespace drawbridge
