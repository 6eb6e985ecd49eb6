// Vec: 4 floats in plain C++ with the compiler's vector extension, for any CPU. Same functions as the other vec_*.h;
// see kernels.h for why everything is in the unnamed namespace.
#pragma once

#include <cstdint>
#include <cstring>

namespace drawbridge {
namespace {

typedef float Vec __attribute__((vector_size(16)));
typedef uint32_t Bits __attribute__((vector_size(16)));
using Lanes = Bits;
typedef uint16_t Words __attribute__((vector_size(16)));
typedef uint8_t Bytes __attribute__((vector_size(16)));
constexpr int kLanes = 4;
constexpr int kTileColumns = 2;

inline Bits bits_of(Vec v) {
  return reinterpret_cast<Bits>(v);
}
inline Vec vec_of(Bits b) {
  return reinterpret_cast<Vec>(b);
}

inline Vec zero() {
  return Vec{};
}
inline Vec splat(float v) {
  return Vec{v, v, v, v};
}
inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vec v) {
  std::memcpy(p, &v, sizeof v);
}

inline Vec add(Vec a, Vec b) {
  return a + b;
}
inline Vec sub(Vec a, Vec b) {
  return a - b;
}
inline Vec mul(Vec a, Vec b) {
  return a * b;
}
inline Vec div(Vec a, Vec b) {
  return a / b;
}
inline Vec mul_add(Vec a, Vec b, Vec c) {
  return a * b + c;
}
/// The smaller or larger of both; b when either is NaN.
inline Vec lesser(Vec a, Vec b) {
  return a < b ? a : b;
}
inline Vec greater(Vec a, Vec b) {
  return a > b ? a : b;
}
/// (1, 0, 3, 2)
inline Vec swap_pairs(Vec v) {
  return Vec{v[1], v[0], v[3], v[2]};
}

/// The sums over all lanes of a, b, c, d.
inline void sum4(Vec a, Vec b, Vec c, Vec d, float* out) {
  const Vec low{a[0], b[0], c[0], d[0]}, low_mid{a[1], b[1], c[1], d[1]};
  const Vec high_mid{a[2], b[2], c[2], d[2]}, high{a[3], b[3], c[3], d[3]};
  store(out, (low + high_mid) + (low_mid + high));
}

/// 2^n from n + 1.5 * 2^23, whose low bits are n.
inline Vec power_of_two(Vec shifted) {
  return vec_of((bits_of(shifted) << 23) + 0x3f800000u);
}

/// Nearest bf16, ties to even, NaN kept.
inline Vec round_bf16(Vec v) {
  const Bits bits = bits_of(v);
  const Bits rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  const Bits is_nan = reinterpret_cast<Bits>(v != v);
  return vec_of(((rounded & ~is_nan) | ((bits | 0x400000u) & is_nan)) & 0xffff0000u);
}
inline void store_bf16(uint16_t* p, Vec v) {
  const Bits high = bits_of(round_bf16(v)) >> 16;
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<uint16_t>(high[i]);
}

// The bytes go through a register: written into part of a vector in memory, they would stall its load.
inline Words words_of(const uint16_t* p) {
  typedef uint64_t Halves __attribute__((vector_size(16)));
  uint64_t four;
  std::memcpy(&four, p, sizeof four);
  return reinterpret_cast<Words>(Halves{four, 0});
}
inline Words words_of(const uint8_t* p) {
  uint32_t four;
  std::memcpy(&four, p, sizeof four);
  return reinterpret_cast<Words>(__builtin_shufflevector(reinterpret_cast<Bytes>(Bits{four, 0, 0, 0}), Bytes{}, 0, 16,
                                                         1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
}
/// The first four words, each in the low half of its lane. Little endian, as the checkpoints are.
inline Bits widen(Words words) {
  return reinterpret_cast<Bits>(__builtin_shufflevector(words, Words{}, 0, 8, 1, 9, 2, 10, 3, 11));
}

inline Vec widen_bf16(const uint16_t* p) {
  return vec_of(widen(words_of(p)) << 16);
}
/// The f16 exponent is 112 below f32's. Multiplying by 2^112 also sets subnormals right; infinity and NaN keep theirs.
inline Vec widen_f16(const uint16_t* p) {
  const Bits half = widen(words_of(p));
  const Bits magnitude = half & 0x7fffu;
  const Bits finite = bits_of(vec_of(magnitude << 13) * splat(0x1p112f));
  const Bits is_special = reinterpret_cast<Bits>(magnitude >= 0x7c00u);
  const Bits special = (magnitude << 13) | 0x7f800000u;
  return vec_of((finite & ~is_special) | (special & is_special) | ((half & 0x8000u) << 16));
}
/// As widen_f16, the exponent 120 below; 0x7f is NaN.
inline Vec widen_e4m3(const uint8_t* p) {
  const Bits code = widen(words_of(p));
  const Bits magnitude = code & 0x7fu;
  const Bits finite = bits_of(vec_of(magnitude << 20) * splat(0x1p120f));
  const Bits nan = reinterpret_cast<Bits>(magnitude == 0x7fu) & 0x7fc00000u;
  return vec_of(finite | nan | ((code & 0x80u) << 24));
}
inline float widen_f16(uint16_t bits) {
  const uint16_t lanes[kLanes] = {bits};
  return widen_f16(lanes)[0];
}
inline Vec widen_i8(const int8_t* p) {
  return Vec{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]), static_cast<float>(p[3])};
}
/// 4 E2M1 codes in 2 bytes, low nibble first.
inline Vec widen_e2m1(const uint8_t* p) {
  constexpr float kValue[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
  return Vec{kValue[p[0] & 15], kValue[p[0] >> 4], kValue[p[1] & 15], kValue[p[1] >> 4]};
}

/// The E2M1 value of the four lowest bits of each lane: from 1 on, exponent and mantissa moved to their place in f32.
inline Vec look_up_e2m1(Lanes code) {
  const Lanes magnitude = code & 7u;
  const Lanes normal = (magnitude << 22) + (126u << 23);
  const Lanes half = reinterpret_cast<Lanes>(magnitude == 1u) & 0x3f000000u;
  const Lanes is_normal = reinterpret_cast<Lanes>(magnitude > 1u);
  return vec_of(half | (normal & is_normal) | ((code & 8u) << 28));
}

/// Bits of the largest |x| of 32; those of infinity or above if there is an infinity or a NaN.
inline uint32_t largest_bits(const float* x) {
  Bits largest = {};
  for (int i = 0; i < 32; i += kLanes) {
    const Bits bits = bits_of(load(x + i)) & 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  const uint32_t even = largest[0] > largest[2] ? largest[0] : largest[2];
  const uint32_t odd = largest[1] > largest[3] ? largest[1] : largest[3];
  return even > odd ? even : odd;
}

/// 32 values times `inverse`, all within 127, to the nearest whole numbers, ties to even; returns their sum. Adding 1.5
/// * 2^23 leaves them in the low bits.
inline int32_t store_codes(int8_t* code, const float* x, float inverse) {
  Bits sum = {};
  for (int i = 0; i < 32; i += kLanes) {
    const Bits whole = bits_of(load(x + i) * splat(inverse) + splat(12582912.0f)) - 0x4b400000u;
    for (int lane = 0; lane < kLanes; ++lane) code[i + lane] = static_cast<int8_t>(whole[lane]);
    sum += whole;
  }
  return static_cast<int32_t>(sum[0] + sum[1] + sum[2] + sum[3]);
}

}  // namespace
}  // namespace drawbridge
