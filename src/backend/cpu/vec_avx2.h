// Vec: 8 floats in one AVX2 register (with FMA and F16C). Same functions as the other vec_*.h; see kernels.h for why
// everything is in the unnamed namespace.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace drawbridge {
namespace {

using Vec = __m256;
typedef uint32_t Lanes __attribute__((vector_size(32)));
constexpr int kLanes = 8;
constexpr int kTileColumns = 3;  // 4 x 3 accumulators, 3 inputs and a weight fit 16 registers

inline Vec zero() {
  return _mm256_setzero_ps();
}
inline Vec splat(float v) {
  return _mm256_set1_ps(v);
}
inline Vec load(const float* p) {
  return _mm256_loadu_ps(p);
}
inline void store(float* p, Vec v) {
  _mm256_storeu_ps(p, v);
}

inline Vec add(Vec a, Vec b) {
  return _mm256_add_ps(a, b);
}
inline Vec sub(Vec a, Vec b) {
  return _mm256_sub_ps(a, b);
}
inline Vec mul(Vec a, Vec b) {
  return _mm256_mul_ps(a, b);
}
inline Vec div(Vec a, Vec b) {
  return _mm256_div_ps(a, b);
}
inline Vec mul_add(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
/// The smaller or larger of both; b when either is NaN.
inline Vec lesser(Vec a, Vec b) {
  return _mm256_min_ps(a, b);
}
inline Vec greater(Vec a, Vec b) {
  return _mm256_max_ps(a, b);
}
/// (1, 0, 3, 2, ...)
inline Vec swap_pairs(Vec v) {
  return _mm256_permute_ps(v, 0xb1);
}

/// The sums over all lanes of a, b, c, d: within groups of four lanes first, then over the groups.
inline void sum4(Vec a, Vec b, Vec c, Vec d, float* out) {
  const Vec ab = add(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
  const Vec cd = add(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
  const __m256d low = _mm256_unpacklo_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
  const __m256d high = _mm256_unpackhi_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
  const Vec four = add(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(four), _mm256_extractf128_ps(four, 1)));
}

/// 2^n from n + 1.5 * 2^23, whose low bits are n.
inline Vec power_of_two(Vec shifted) {
  const __m256i bits = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(bits, _mm256_set1_epi32(0x3f800000)));
}

/// Nearest bf16, ties to even, NaN kept.
inline Vec round_bf16(Vec v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  const __m256i chosen = _mm256_blendv_epi8(rounded, quiet, is_nan);
  return _mm256_castsi256_ps(_mm256_and_si256(chosen, _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
}
inline void store_bf16(uint16_t* p, Vec v) {
  const __m256i high = _mm256_srli_epi32(_mm256_castps_si256(round_bf16(v)), 16);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(high, high), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
}

inline Vec widen_bf16(const uint16_t* p) {
  const __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(words, 16));
}
inline Vec widen_f16(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
/// E4M3 as f16 is the value times 2^-8, subnormals included; only its NaN needs a hand.
inline Vec widen_e4m3(const uint8_t* p) {
  const __m128i code = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  const __m128i magnitude = _mm_and_si128(code, _mm_set1_epi16(0x7f));
  const __m128i sign = _mm_slli_epi16(_mm_and_si128(code, _mm_set1_epi16(0x80)), 8);
  const __m128i is_nan = _mm_cmpeq_epi16(magnitude, _mm_set1_epi16(0x7f));
  const __m128i nan = _mm_and_si128(is_nan, _mm_set1_epi16(0x7e00));
  const __m128i half = _mm_or_si128(_mm_or_si128(sign, nan), _mm_slli_epi16(magnitude, 7));
  return mul(_mm256_cvtph_ps(half), splat(256.0f));
}
inline float widen_f16(uint16_t bits) {
  return _cvtsh_ss(bits);
}
inline Vec widen_i8(const int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
/// 8 E2M1 codes in 4 bytes, low nibble first.
inline Vec widen_e2m1(const uint8_t* p) {
  int32_t packed;
  std::memcpy(&packed, p, sizeof packed);
  const __m128i bytes = _mm_cvtepu8_epi16(_mm_cvtsi32_si128(packed));
  const __m128i nibbles = _mm_and_si128(_mm_or_si128(bytes, _mm_slli_epi16(bytes, 4)), _mm_set1_epi16(0x0f0f));
  const __m256i code = _mm256_cvtepu8_epi32(nibbles);
  const Vec magnitude = _mm256_permutevar8x32_ps(_mm256_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f), code);
  const __m256i sign = _mm256_slli_epi32(_mm256_and_si256(code, _mm256_set1_epi32(8)), 28);
  return _mm256_or_ps(magnitude, _mm256_castsi256_ps(sign));
}

/// The E2M1 value of the four lowest bits of each lane.
inline Vec look_up_e2m1(Lanes code) {
  const Vec values = _mm256_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f);
  const Lanes sign = (code & 8u) << 28;  // a permutation looks at three bits
  return _mm256_or_ps(_mm256_permutevar8x32_ps(values, reinterpret_cast<__m256i>(code)), reinterpret_cast<Vec>(sign));
}

/// Bits of the largest |x| of 32; those of infinity or above if there is an infinity or a NaN.
inline uint32_t largest_bits(const float* x) {
  const auto magnitude = [x](int i) {
    return _mm256_and_si256(_mm256_castps_si256(load(x + i * kLanes)), _mm256_set1_epi32(0x7fffffff));
  };
  const __m256i eight =
      _mm256_max_epu32(_mm256_max_epu32(magnitude(0), magnitude(1)), _mm256_max_epu32(magnitude(2), magnitude(3)));
  const __m128i four = _mm_max_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_max_epu32(two, _mm_shuffle_epi32(two, 0xb1))));
}

/// 32 values times `inverse`, all within 127, to the nearest whole numbers, ties to even; returns their sum.
inline int32_t store_codes(int8_t* code, const float* x, float inverse) {
  const auto whole = [=](int i) { return _mm256_cvtps_epi32(mul(load(x + i * kLanes), splat(inverse))); };
  const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(whole(0), whole(1)),
                                            _mm256_packs_epi32(whole(2), whole(3)));  // within each half
  const __m256i codes = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(code), codes);
  const __m256i above = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));  // code + 128
  const __m256i sums = _mm256_sad_epu8(above, _mm256_setzero_si256());
  const __m128i halves = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return _mm_cvtsi128_si32(halves) + _mm_extract_epi32(halves, 2) - 32 * 128;
}

}  // namespace
}  // namespace drawbridge
