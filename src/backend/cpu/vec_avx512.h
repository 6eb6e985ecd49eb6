// Vec: 16 floats in one AVX-512 register (F, BW, DQ, VL). Same functions as the other vec_*.h; see kernels.h for why
// everything is in the unnamed namespace.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace drawbridge {
namespace {

using Vec = __m512;
typedef uint32_t Lanes __attribute__((vector_size(64)));
constexpr int kLanes = 16;
constexpr int kTileColumns = 6;  // 4 x 6 accumulators, 6 inputs and a weight fit 32 registers

inline Vec zero() {
  return _mm512_setzero_ps();
}
inline Vec splat(float v) {
  return _mm512_set1_ps(v);
}
inline Vec load(const float* p) {
  return _mm512_loadu_ps(p);
}
inline void store(float* p, Vec v) {
  _mm512_storeu_ps(p, v);
}

inline Vec add(Vec a, Vec b) {
  return _mm512_add_ps(a, b);
}
inline Vec sub(Vec a, Vec b) {
  return _mm512_sub_ps(a, b);
}
inline Vec mul(Vec a, Vec b) {
  return _mm512_mul_ps(a, b);
}
inline Vec div(Vec a, Vec b) {
  return _mm512_div_ps(a, b);
}
inline Vec mul_add(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
/// The smaller or larger of both; b when either is NaN.
inline Vec lesser(Vec a, Vec b) {
  return _mm512_min_ps(a, b);
}
inline Vec greater(Vec a, Vec b) {
  return _mm512_max_ps(a, b);
}
/// (1, 0, 3, 2, ...)
inline Vec swap_pairs(Vec v) {
  return _mm512_permute_ps(v, 0xb1);
}

/// The sums over all lanes of a, b, c, d: within groups of four lanes first, then over the groups.
inline void sum4(Vec a, Vec b, Vec c, Vec d, float* out) {
  const Vec ab = add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const Vec cd = add(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
  const __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
  const Vec four = add(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
  const __m256 two = _mm256_add_ps(_mm512_castps512_ps256(four), _mm512_extractf32x8_ps(four, 1));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(two), _mm256_extractf128_ps(two, 1)));
}

/// 2^n from n + 1.5 * 2^23, whose low bits are n.
inline Vec power_of_two(Vec shifted) {
  const __m512i bits = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
  return _mm512_castsi512_ps(_mm512_add_epi32(bits, _mm512_set1_epi32(0x3f800000)));
}

/// Nearest bf16, ties to even, NaN kept. Not vcvtneps2bf16: that flushes subnormals.
inline Vec round_bf16(Vec v) {
  const __m512i bits = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  const __m512i chosen = _mm512_mask_mov_epi32(rounded, is_nan, quiet);
  return _mm512_castsi512_ps(_mm512_and_si512(chosen, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}
inline void store_bf16(uint16_t* p, Vec v) {
  const __m512i high = _mm512_srli_epi32(_mm512_castps_si512(round_bf16(v)), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(high));
}

inline Vec widen_bf16(const uint16_t* p) {
  const __m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(words, 16));
}
inline Vec widen_f16(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
/// E4M3 as f16 is the value times 2^-8, subnormals included; only its NaN needs a hand.
inline Vec widen_e4m3(const uint8_t* p) {
  const __m256i code = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  const __m256i magnitude = _mm256_and_si256(code, _mm256_set1_epi16(0x7f));
  const __m256i sign = _mm256_slli_epi16(_mm256_and_si256(code, _mm256_set1_epi16(0x80)), 8);
  const __m256i is_nan = _mm256_cmpeq_epi16(magnitude, _mm256_set1_epi16(0x7f));
  const __m256i nan = _mm256_and_si256(is_nan, _mm256_set1_epi16(0x7e00));
  const __m256i half = _mm256_or_si256(_mm256_or_si256(sign, nan), _mm256_slli_epi16(magnitude, 7));
  return mul(_mm512_cvtph_ps(half), splat(256.0f));
}
inline float widen_f16(uint16_t bits) {
  return _cvtsh_ss(bits);
}
inline Vec widen_i8(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
/// 16 E2M1 codes in 8 bytes, low nibble first.
inline Vec widen_e2m1(const uint8_t* p) {
  const __m128i bytes = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  const __m128i nibbles = _mm_and_si128(_mm_or_si128(bytes, _mm_slli_epi16(bytes, 4)), _mm_set1_epi16(0x0f0f));
  const Vec values = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f, -1.0f, -1.5f, -2.0f,
                                    -3.0f, -4.0f, -6.0f);
  return _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(nibbles), values);
}

/// The E2M1 value of the four lowest bits of each lane.
inline Vec look_up_e2m1(Lanes code) {
  const Vec values = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f, -1.0f, -1.5f, -2.0f,
                                    -3.0f, -4.0f, -6.0f);
  return _mm512_permutexvar_ps(reinterpret_cast<__m512i>(code), values);
}

/// Bits of the largest |x| of 32; those of infinity or above if there is an infinity or a NaN.
inline uint32_t largest_bits(const float* x) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  const __m512i low = _mm512_and_epi32(_mm512_loadu_si512(x), magnitude);
  const __m512i high = _mm512_and_epi32(_mm512_loadu_si512(x + kLanes), magnitude);
  return _mm512_reduce_max_epu32(_mm512_max_epu32(low, high));
}

/// 32 values times `inverse`, all within 127, to the nearest whole numbers, ties to even; returns their sum.
inline int32_t store_codes(int8_t* code, const float* x, float inverse) {
  const __m128i low = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(mul(load(x), splat(inverse))));
  const __m128i high = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(mul(load(x + kLanes), splat(inverse))));
  const __m256i codes = _mm256_set_m128i(high, low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(code), codes);
  const __m256i above = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));  // code + 128
  const __m256i sums = _mm256_sad_epu8(above, _mm256_setzero_si256());
  const __m128i halves = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return _mm_cvtsi128_si32(halves) + _mm_extract_epi32(halves, 2) - 32 * 128;
}

}  // namespace
}  // namespace drawbridge
