// Matrix: a weight [N, K] in whichever format the checkpoint holds it, borrowed (usually from the mapped file).
// y = x W^T, as in every HuggingFace linear layer: N output features, K input features, rows of K.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tensor/dtype.h"

namespace drawbridge {

enum class WeightFormat : uint8_t {
  kF32,
  kF16,
  kBF16,
  kFp8Block,  // E4M3 [N, K] with an f32 scale for each 128 x 128 block: w = e4m3 * scale[n/128][k/128]
  kMxfp4,     // E2M1 pairs [N, K/2], low nibble first, with an E8M0 scale for each 32 along K: w = e2m1 * 2^(byte-127)
  kQ8,        // int8 [N, K] with an f16 scale for each 32 along K (GGUF's q8_0 unzipped): w = int8 * scale[n][k/32]
};
inline constexpr size_t kWeightFormats = 6;

inline constexpr int64_t kFp8BlockEdge = 128;
inline constexpr int64_t kMxfp4Block = 32;
inline constexpr int64_t kQ8Block = 32;

/// How rows follow each other in memory.
enum class RowOrder : uint8_t {
  kRows,    // one after the other, as in the file
  kPanels,  // 16 side by side, as kernels read them (tensor/panel.h)
};

struct Matrix {
  WeightFormat format = WeightFormat::kF32;
  int64_t n = 0;               // output features (rows)
  int64_t k = 0;               // input features (columns)
  const void* data = nullptr;  // [N, K] elements, dense rows
  const void* scale =
      nullptr;  // kFp8Block: f32 [ceil(N/128), ceil(K/128)]; kMxfp4: u8 and kQ8: f16 [N, K/32]; else null
  RowOrder order = RowOrder::kRows;

  bool empty() const { return data == nullptr; }
};

const char* weight_format_name(WeightFormat format);
/// Codes with scales: FP8 blocks, MXFP4, q8.
bool is_quantized(WeightFormat format);
/// The format of a matrix that is stored as plain elements of `dtype`; nothing where only blocks are stored so.
std::optional<WeightFormat> float_format(DType dtype);
/// Bytes of one row's elements, scales not counted.
int64_t matrix_row_bytes(WeightFormat format, int64_t k);
/// Bytes of all elements and scales.
int64_t matrix_bytes(const Matrix& w);
/// Decodes row n to f32 `out` [K].
void dequantize_row(const Matrix& w, int64_t n, float* out);
/// Rows [from, from + count) as a matrix of their own. For kFp8Block `from` must be a multiple of 128, in panels of 16.
Matrix matrix_rows(const Matrix& w, int64_t from, int64_t count);

}  // namespace drawbridge
