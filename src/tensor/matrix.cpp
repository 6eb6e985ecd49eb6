#include "tensor/matrix.h"

#include "base/check.h"
#include "base/checked_math.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

float fp8_scale(const Matrix& w, int64_t n, int64_t k) {
  return static_cast<const float*>(w.scale)[n / kFp8BlockEdge * ceil_div(w.k, kFp8BlockEdge) + k / kFp8BlockEdge];
}

/// Element k of row n of a matrix in panels.
float panel_element(const Matrix& w, int64_t n, int64_t k) {
  const int64_t block = n / kPanelRows * panel_blocks(w) + k / kPanelBlock, r = n % kPanelRows,
                column = k % kPanelBlock;
  const auto* const data = static_cast<const uint8_t*>(w.data) + block * panel_block_bytes(w.format);
  const auto byte = [&](int64_t i) { return data[i / 4 * 64 + 4 * r + i % 4]; };
  switch (w.format) {
    case WeightFormat::kMxfp4: {
      const uint8_t pair = byte(column / 8 * 4 + column % 4);
      const auto code = static_cast<uint8_t>(column % 8 < 4 ? pair & 0xf : pair >> 4);
      return e2m1_to_f32(code) * e8m0_to_f32(static_cast<const uint8_t*>(w.scale)[block * kPanelRows + r]);
    }
    case WeightFormat::kQ8: {
      const auto code = static_cast<int8_t>(byte(column) ^ 0x80);
      return static_cast<float>(code) * f16_to_f32(static_cast<const uint16_t*>(w.scale)[block * kPanelRows + r]);
    }
    case WeightFormat::kFp8Block:
      return e4m3_to_f32(byte(column)) * fp8_scale(w, n, k);
    case WeightFormat::kBF16: {
      const int64_t place = panel_column(column);
      return bf16_to_f32(reinterpret_cast<const uint16_t*>(data)[place / 2 * 32 + 2 * r + place % 2]);
    }
    default:
      DB_CHECK(false);
  }
}

}  // namespace

const char* weight_format_name(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32:
      return "f32";
    case WeightFormat::kF16:
      return "f16";
    case WeightFormat::kBF16:
      return "bf16";
    case WeightFormat::kFp8Block:
      return "fp8-e4m3-block128";
    case WeightFormat::kMxfp4:
      return "mxfp4";
    case WeightFormat::kQ8:
      return "q8";
  }
  return "unknown";
}

std::optional<WeightFormat> float_format(DType dtype) {
  if (dtype == DType::kF32) return WeightFormat::kF32;
  if (dtype == DType::kF16) return WeightFormat::kF16;
  if (dtype == DType::kBF16) return WeightFormat::kBF16;
  return std::nullopt;
}

bool is_quantized(WeightFormat format) {
  return format == WeightFormat::kFp8Block || format == WeightFormat::kMxfp4 || format == WeightFormat::kQ8;
}

int64_t matrix_row_bytes(WeightFormat format, int64_t k) {
  switch (format) {
    case WeightFormat::kF32:
      return k * 4;
    case WeightFormat::kF16:
    case WeightFormat::kBF16:
      return k * 2;
    case WeightFormat::kFp8Block:
      return k;
    case WeightFormat::kMxfp4:
      return k / 2;
    case WeightFormat::kQ8:
      return k;
  }
  return 0;
}

int64_t matrix_bytes(const Matrix& w) {
  const int64_t elements = w.n * matrix_row_bytes(w.format, w.k);
  if (w.format == WeightFormat::kFp8Block) {
    return elements + 4 * ceil_div(w.n, kFp8BlockEdge) * ceil_div(w.k, kFp8BlockEdge);
  }
  if (w.format == WeightFormat::kMxfp4) return elements + w.n * (w.k / kMxfp4Block);
  if (w.format == WeightFormat::kQ8) return elements + 2 * w.n * (w.k / kQ8Block);
  return elements;
}

void dequantize_row(const Matrix& w, int64_t n, float* out) {
  DB_CHECK(n >= 0 && n < w.n);
  if (w.order == RowOrder::kPanels) {
    for (int64_t k = 0; k < w.k; ++k) out[k] = panel_element(w, n, k);
    return;
  }
  const auto* row = static_cast<const uint8_t*>(w.data) + n * matrix_row_bytes(w.format, w.k);
  const auto* halves = reinterpret_cast<const uint16_t*>(row);
  switch (w.format) {
    case WeightFormat::kF32:
      for (int64_t k = 0; k < w.k; ++k) out[k] = reinterpret_cast<const float*>(row)[k];
      return;
    case WeightFormat::kF16:
      for (int64_t k = 0; k < w.k; ++k) out[k] = f16_to_f32(halves[k]);
      return;
    case WeightFormat::kBF16:
      for (int64_t k = 0; k < w.k; ++k) out[k] = bf16_to_f32(halves[k]);
      return;
    case WeightFormat::kFp8Block:
      for (int64_t k = 0; k < w.k; ++k) out[k] = e4m3_to_f32(row[k]) * fp8_scale(w, n, k);
      return;
    case WeightFormat::kMxfp4: {
      const auto* scales = static_cast<const uint8_t*>(w.scale) + n * (w.k / kMxfp4Block);
      for (int64_t k = 0; k < w.k; ++k) {
        const auto code = static_cast<uint8_t>(k % 2 == 0 ? row[k / 2] & 0xf : row[k / 2] >> 4);
        out[k] = e2m1_to_f32(code) * e8m0_to_f32(scales[k / kMxfp4Block]);
      }
      return;
    }
    case WeightFormat::kQ8: {
      const auto* scales = static_cast<const uint16_t*>(w.scale) + n * (w.k / kQ8Block);
      for (int64_t k = 0; k < w.k; ++k) {
        out[k] = static_cast<float>(reinterpret_cast<const int8_t*>(row)[k]) * f16_to_f32(scales[k / kQ8Block]);
      }
      return;
    }
  }
}

Matrix matrix_rows(const Matrix& w, int64_t from, int64_t count) {
  DB_CHECK(from >= 0 && count >= 0 && from + count <= w.n);
  Matrix part = w;
  part.n = count;
  const bool panels = w.order == RowOrder::kPanels;
  DB_CHECK(!panels || from % kPanelRows == 0);
  const int64_t row_bytes = matrix_row_bytes(w.format, panels ? panel_blocks(w) * kPanelBlock : w.k);
  part.data = static_cast<const uint8_t*>(w.data) + from * row_bytes;
  if (w.format == WeightFormat::kFp8Block) {
    DB_CHECK(from % kFp8BlockEdge == 0);
    part.scale = static_cast<const float*>(w.scale) + (from / kFp8BlockEdge) * ceil_div(w.k, kFp8BlockEdge);
  } else if (w.format == WeightFormat::kMxfp4) {
    part.scale = static_cast<const uint8_t*>(w.scale) + from * (w.k / kMxfp4Block);
  } else if (w.format == WeightFormat::kQ8) {
    part.scale = static_cast<const uint16_t*>(w.scale) + from * (w.k / kQ8Block);
  }
  return part;
}

}  // namespace drawbridge
