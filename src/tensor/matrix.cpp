#include "tensor/matrix.h"

#include "base/check.h"
#include "base/checked_math.h"

namespace drawbridge {

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
    case WeightFormat::kFp8Block: {
      const auto* scales = static_cast<const float*>(w.scale) + (n / kFp8BlockEdge) * ceil_div(w.k, kFp8BlockEdge);
      for (int64_t k = 0; k < w.k; ++k) out[k] = e4m3_to_f32(row[k]) * scales[k / kFp8BlockEdge];
      return;
    }
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
  part.data = static_cast<const uint8_t*>(w.data) + from * matrix_row_bytes(w.format, w.k);
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
