// Inputs [K] onto the grid of an InputCodec, 32 values at a time, as tensor/input_codec.h defines it: plain loops that
// the compiler turns into vectors of this unit's instruction set. Included by kernels_<isa>.cpp after dot-inl.h.
//
// A value is 4 bytes read and written and about 10 operations: the largest of its block, times the inverse scale,
// clamped, rounded, times the scale. Limit: the cache; measured (lab/input_codes.cpp) an eighth of it, 0.7 us for 2,048
// values.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// Numbers with `mantissa_bits` after the leading one, evenly spaced below 2^min_exponent, up to `largest`. A block's
/// exponent is that of (its largest bits + carry), less `top`: carry is what it takes to reach the next exponent from
/// the first mantissa that needs it.
struct Grid {
  int mantissa_bits;
  int min_exponent;
  float largest;
  uint32_t carry;
  int top;
  bool may_overflow = false;  // the carry makes infinity, whose exponent is 127, as AMD Quark has it
};

constexpr Grid grid_of(InputCodec codec) {
  if (codec == InputCodec::kInt8) return {6, 6, 127, 0x01ffff, 6};    // beyond 127 = 1.984375 * 2^6
  if (codec == InputCodec::kMxfp8) return {3, -6, 448, 0x1fffff, 8};  // beyond 448 = 1.75 * 2^8
  return {1, 0, 6, 0x200000, 2, true};                                // from 1.75 * 2^2 on (rule "even")
}

inline uint32_t bits_of_float(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}
inline float float_of_bits(uint32_t bits) {
  float v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}
/// 2^e for e in [-127, 127]; the smallest is subnormal.
inline float scale_of(int e) {
  return float_of_bits(e == -127 ? 0x400000u : static_cast<uint32_t>(e + 127) << 23);
}

inline int block_exponent(const Grid& grid, uint32_t largest) {
  const uint32_t rounded = (largest + grid.carry) >> 23;
  if (grid.may_overflow && rounded == 255) return 127;
  const int exponent = static_cast<int>(rounded) - 127 - grid.top;
  return exponent < -127 ? -127 : exponent;
}

/// The nearest of the grid, ties to even: adding and taking away 1.5 * 2^23 spacings drops what lies between them.
inline float nearest(const Grid& grid, float v) {
  v = v > grid.largest ? grid.largest : v < -grid.largest ? -grid.largest : v;
  const uint32_t exponent = bits_of_float(v) & 0x7f800000u;
  const uint32_t lowest = static_cast<uint32_t>(grid.min_exponent + 127) << 23;
  const uint32_t shift = static_cast<uint32_t>(23 - grid.mantissa_bits) << 23;
  const float magic = float_of_bits(((exponent > lowest ? exponent : lowest) + shift) | 0x400000u);
  return (v + magic) - magic;
}

template <InputCodec kCodec>
void quantize_block(float* y, const float* x) {
  constexpr Grid kGrid = grid_of(kCodec);
  const uint32_t largest = largest_bits(x);
  if (largest >= 0x7f800000u) {
    for (int i = 0; i < kInputBlock; ++i) y[i] = __builtin_nanf("");
    return;
  }
  const int exponent = block_exponent(kGrid, largest);
  const float scale = scale_of(exponent), inverse = scale_of(-exponent);
  for (int i = 0; i < kInputBlock; ++i) y[i] = nearest(kGrid, x[i] * inverse) * scale;
}

/// The last block is filled up with zeros, which leave its exponent as it is.
template <InputCodec kCodec>
void quantize_blocks(float* y, const float* x, int64_t n) {
  const int64_t whole = n - n % kInputBlock;
  for (int64_t i = 0; i < whole; i += kInputBlock) quantize_block<kCodec>(y + i, x + i);
  if (whole == n) return;
  float block[kInputBlock] = {};
  std::memcpy(block, x + whole, static_cast<size_t>(n - whole) * sizeof(float));
  quantize_block<kCodec>(block, block);
  std::memcpy(y + whole, block, static_cast<size_t>(n - whole) * sizeof(float));
}

inline void quantize_row(float* y, const float* x, int64_t n, InputCodec codec) {
  switch (codec) {
    case InputCodec::kInt8:
      return quantize_blocks<InputCodec::kInt8>(y, x, n);
    case InputCodec::kMxfp8:
      return quantize_blocks<InputCodec::kMxfp8>(y, x, n);
    case InputCodec::kMxfp4:
      return quantize_blocks<InputCodec::kMxfp4>(y, x, n);
    case InputCodec::kNone:
      __builtin_trap();  // SimdBackend does not ask for it
  }
}

}  // namespace
}  // namespace drawbridge
