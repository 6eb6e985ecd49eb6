// Inputs of panels as int8, and their product with MXFP4 or q8 weights in plain loops: what instruction sets without a
// kernel of their own use, and what theirs fall back on for numbers at the edge of f32. Included by kernels_<isa>.cpp
// after panel_decode-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// 32 inputs: each is 2 * code * 2^e. The rest is what an integer kernel starts a block's sum at and takes away again:
/// the float 1.5 * 2^(23 + e) has a unit of 2^e in its last place, so an integer added to its bits adds that many 2^e.
/// Kernels with weights offset to be unsigned add 128 * code too much; `start` makes up for it in advance.
struct Int8Block {
  int8_t code[kBlockColumns];
  uint32_t shift;  // bits of 1.5 * 2^(23 + e); for edge blocks, a NaN that carries e in its low half
  uint32_t start;  // shift - 128 * (sum of the codes)

  static constexpr uint32_t kPoint = 23u << 23;    // 2^23
  static constexpr uint32_t kHalf = 1u << 22;      // the .5 of 1.5
  static constexpr int kLargestExponent = 104;     // so that the float is finite
  static constexpr uint32_t kEdge = 0x7fe00000u;   // middle of the quiet NaNs: adding a sum leaves it one
  static constexpr uint32_t kNotFinite = 0xffffu;  // in place of an exponent

  static uint32_t shift_of(int e) {
    if (e > kLargestExponent) return kEdge | static_cast<uint32_t>(e);
    return (static_cast<uint32_t>(e + 127 + 23) << 23) | kHalf;
  }
  /// 2^e; NaN for a block that was not finite.
  float scale() const {
    if (shift < kEdge) return 0.5f * scale_of(static_cast<int>(shift >> 23) - 127 - 23 + 1);
    const uint32_t e = shift & 0xffffu;
    return e == kNotFinite ? __builtin_nanf("") : scale_of(static_cast<int>(e));
  }
};
static_assert(sizeof(Int8Block) == 40);

inline int64_t int8_row_bytes(int64_t k) {
  return whole_lines(blocks_of(k) * static_cast<int64_t>(sizeof(Int8Block)));
}

inline Int8Block pack_block(const float* x) {
  constexpr Grid kGrid = grid_of(InputCodec::kInt8);
  Int8Block block = {};
  const uint32_t largest = largest_bits(x);
  if (largest >= 0x7f800000u) {
    block.shift = block.start = Int8Block::kEdge | Int8Block::kNotFinite;
    return block;
  }
  const int exponent = block_exponent(kGrid, largest);
  const float inverse = scale_of(-exponent);
  int32_t sum = 0;
  for (int k = 0; k < static_cast<int>(kBlockColumns); ++k) {
    const auto code = static_cast<int32_t>(nearest(kGrid, x[k] * inverse));
    block.code[k] = static_cast<int8_t>(code);
    sum += code;
  }
  block.shift = Int8Block::shift_of(exponent - 1);
  block.start = block.shift - 128u * static_cast<uint32_t>(sum);
  return block;
}

inline void pack_panel_int8(uint8_t* row, int64_t /*k*/, int64_t from, const float* x, int64_t n) {
  auto* block = reinterpret_cast<Int8Block*>(row) + from / kBlockColumns;
  const int64_t whole = n - n % kBlockColumns;
  for (int64_t i = 0; i < whole; i += kBlockColumns) *block++ = pack_block(x + i);
  if (whole == n) return;
  float rest[kBlockColumns] = {};
  std::memcpy(rest, x + whole, static_cast<size_t>(n - whole) * sizeof(float));
  *block = pack_block(rest);
}

/// Sums of one row's blocks in order. Codes and their sums are whole numbers below 2^24: exact in f32. The weight's
/// scale comes before the input's, which alone may be beyond what a float holds.
template <class Blocks>
void add_int8_rows(const Matrix& w, int64_t panel, const uint8_t* x, float (&sum)[kRows]) {
  for (float& s : sum) s = 0;
  const auto* const block = reinterpret_cast<const Int8Block*>(x);
  for (int64_t b = 0; b < blocks_of(w.k); ++b) {
    BlockFloats codes;
    float scale[kRows], dot[kRows] = {};
    Blocks::codes(panel_data(w, panel, Blocks::kBytes) + b * Blocks::kBytes, codes);
    Blocks::scales(w, panel, b, scale);
    for (int k = 0; k < static_cast<int>(kBlockColumns); ++k) {
      const auto code = static_cast<float>(2 * block[b].code[k]);
      for (int r = 0; r < kRows; ++r) dot[r] += codes[k][r] * code;
    }
    const float x_scale = block[b].scale();
    for (int r = 0; r < kRows; ++r) sum[r] += dot[r] * scale[r] * x_scale;
  }
}

}  // namespace
}  // namespace drawbridge
