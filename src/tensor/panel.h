// Panels: a weight matrix in the order in which kernels read it, 16 rows side by side, so that a vector holds the same
// few columns of 16 rows and a product needs no sum across lanes. The numbers are those of the rows, bit for bit.
//
// A block is 16 rows x 32 columns, a panel is the blocks of its 16 rows, column by column; rows beyond N are zero.
//   mxfp4  4 vectors of 64 bytes: byte 4 r + i of vector j holds row r, columns 8 j + i (low half) and 8 j + 4 + i.
//          Scales: 16 bytes a block, E8M0 of each row.
//   q8     8 vectors: byte 4 r + i of vector j holds row r, column 4 j + i. Scales: 16 halves a block, f16 of each row.
//   fp8    8 vectors, as q8. Scales: the matrix's own 128 x 128 blocks.
//   bf16   16 vectors: word 2 r + i of vector j holds row r; of each four columns first 0 and 2, then 1 and 3, the
//   order
//          in which bytes and halves of bytes unpack to words (panel_column).
#pragma once

#include <cstdint>

#include "tensor/matrix.h"

namespace drawbridge {

inline constexpr int64_t kPanelRows = 16;
inline constexpr int64_t kPanelBlock = 32;  // columns

/// Whether rows of this format can be laid out so: bf16, FP8, MXFP4, q8, the last two in whole blocks along K.
bool has_panels(WeightFormat format, int64_t k);
/// Bytes of a block's elements.
int64_t panel_block_bytes(WeightFormat format);
/// Bytes of elements and of scales of the panels of `w` (in rows). FP8's scales stay where they are: 0.
int64_t panel_data_bytes(const Matrix& w);
int64_t panel_scale_bytes(const Matrix& w);

inline int64_t panel_count(const Matrix& w) {
  return (w.n + kPanelRows - 1) / kPanelRows;
}
inline int64_t panel_blocks(const Matrix& w) {
  return (w.k + kPanelBlock - 1) / kPanelBlock;
}
/// Where bf16 inputs and weights keep column k of a row.
inline int64_t panel_column(int64_t k) {
  constexpr int kPlace[4] = {0, 2, 1, 3};
  return k / 4 * 4 + kPlace[k % 4];
}

/// Writes panels [from, to) of `rows` to their places in data and scale, which panel_matrix describes.
void write_panels(const Matrix& rows, int64_t from, int64_t to, void* data, void* scale);
/// The matrix that `rows` becomes, its panels at `data` and `scale`, 64-byte aligned.
Matrix panel_matrix(const Matrix& rows, const void* data, const void* scale);

}  // namespace drawbridge
