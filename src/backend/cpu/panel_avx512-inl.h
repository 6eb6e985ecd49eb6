// What the AVX-512 kernels of panels share. Included after panel-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// 2^(byte - 127) of each row; 2^-127 is subnormal, 255 is NaN.
inline Vec load_e8m0(const uint8_t* byte) {
  const __m512i exponent = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(byte)));
  const __m512i bits = _mm512_max_epi32(_mm512_slli_epi32(exponent, 23), _mm512_set1_epi32(0x400000));
  const __mmask16 is_nan = _mm512_cmpeq_epi32_mask(exponent, _mm512_set1_epi32(255));
  return _mm512_castsi512_ps(_mm512_mask_mov_epi32(bits, is_nan, _mm512_set1_epi32(0x7fc00000)));
}

/// The four bytes at p in every lane.
inline __m512i splat_bits(const void* p) {
  int32_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return _mm512_set1_epi32(bits);
}

}  // namespace
}  // namespace drawbridge
