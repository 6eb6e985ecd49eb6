// y [T, N] = x [T, K] w^T with weights in rows, bf16, FP8 or MXFP4, and inputs in bf16, by vdpbf16ps: two weights a
// lane and step, accumulated in f32. Included by kernels_avx512.cpp after dot-inl.h.
//
// A tile is 4 rows x up to 6 inputs for bf16, 3 where codes are looked up and scaled. Bytes and operations as in
// dot-inl.h. Limit: memory for one token, else twice the rate of f32 FMAs, less what unpacking codes takes. The
// instruction flushes subnormals and rounds once a product, the same way each time.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

constexpr int64_t kPairLanes = 2 * kLanes;

inline Vec dot_pairs(Vec acc, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

// How kPairLanes elements of a format become bf16, exactly and without their scale.
struct Bf16Pairs : Bf16Format {
  static constexpr bool kScaled = false;
  static constexpr int kColumns = 6;
  static __m512i pairs(const uint16_t* p) { return _mm512_loadu_si512(p); }
};

/// bf16 of the E4M3 magnitudes [from, from + 32): subnormals become normal numbers.
struct E4m3Table {
  uint16_t value[128];
  constexpr E4m3Table() : value() {
    for (uint32_t code = 0; code < 128; ++code) {
      const uint32_t exponent = code >> 3, mantissa = code & 7;
      uint32_t bits = ((exponent + 120) << 7) | (mantissa << 4);
      if (exponent == 0) {
        // mantissa * 2^-9 = (1 + rest) * 2^(top - 9) with `top` the place of the highest set bit.
        const uint32_t top = mantissa >= 4 ? 2 : mantissa >= 2 ? 1 : 0;
        const uint32_t rest = (mantissa - (1u << top)) << (7 - top);
        bits = mantissa == 0 ? 0 : ((118 + top) << 7) | rest;
      }
      value[code] = static_cast<uint16_t>(code == 127 ? 0x7fc0 : bits);
    }
  }
};
constexpr E4m3Table kE4m3;

struct Fp8Pairs : Fp8Format {
  static constexpr bool kScaled = true;
  static constexpr int kColumns = 3;
  static __m512i pairs(const uint8_t* p) {
    return from_codes(_mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
  }
  /// A code in each word.
  static __m512i from_codes(__m512i code) {
    const __m512i low =
        _mm512_permutex2var_epi16(_mm512_loadu_si512(kE4m3.value), code, _mm512_loadu_si512(kE4m3.value + 32));
    const __m512i high =
        _mm512_permutex2var_epi16(_mm512_loadu_si512(kE4m3.value + 64), code, _mm512_loadu_si512(kE4m3.value + 96));
    const __mmask32 is_high = _mm512_test_epi16_mask(code, _mm512_set1_epi16(0x40));
    const __m512i sign = _mm512_slli_epi16(_mm512_and_si512(code, _mm512_set1_epi16(0x80)), 8);
    return _mm512_or_si512(_mm512_mask_mov_epi16(low, is_high, high), sign);
  }
};

struct Mxfp4Pairs : Mxfp4Format {
  static constexpr bool kScaled = true;
  static constexpr int kColumns = 3;
  static __m512i pairs(const uint8_t* p) {
    const __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    const __m512i code =
        _mm512_and_si512(_mm512_or_si512(bytes, _mm512_slli_epi32(bytes, 12)), _mm512_set1_epi32(0x000f000f));
    // bf16 of 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
    const __m256i values = _mm256_setr_epi16(0, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040, 0x4080, 0x40c0, -0x8000,
                                             -0x4100, -0x4080, -0x4040, -0x4000, -0x3fc0, -0x3f80, -0x3f40);
    return _mm512_permutexvar_epi16(code, _mm512_broadcast_i64x4(values));
  }
};

struct Q8Pairs : Q8Format {
  static constexpr bool kScaled = true;
  static constexpr int kColumns = 3;
  /// Whole numbers of 8 bits are exact in bf16, whose bits are the upper half of f32's.
  static __m512i pairs(const int8_t* p) {
    const __m512i low = _mm512_castps_si512(widen_i8(p)), high = _mm512_castps_si512(widen_i8(p + kLanes));
    const __m256i first = _mm512_cvtepi32_epi16(_mm512_srli_epi32(low, 16));
    const __m256i second = _mm512_cvtepi32_epi16(_mm512_srli_epi32(high, 16));
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
  }
};

template <class PairFormat>
__m512i load_pairs(const Row& row, int64_t k, int64_t n) {
  if (n >= kPairLanes) return PairFormat::pairs(element_at<PairFormat>(row, k));
  typename PairFormat::Element lanes[kPairLanes] = {};
  std::memcpy(lanes, element_at<PairFormat>(row, k),
              static_cast<size_t>(n / PairFormat::kPerElement) * sizeof(typename PairFormat::Element));
  return PairFormat::pairs(lanes);
}

/// Four weight rows by C inputs of bf16, each input row padded with zeros to whole kPairLanes.
template <class PairFormat>
struct PairTile {
  using Format = PairFormat;
  using Input = uint16_t;
  static constexpr int kColumns = PairFormat::kColumns;

  template <int C>
  static void add_products(const Row (&row)[kTileRows], const Input* const* x, int64_t k, int64_t n_k,
                           Vec (&acc)[C][kTileRows]) {
    __m512i b[C];
    for (int c = 0; c < C; ++c) b[c] = _mm512_loadu_si512(x[c] + k);
    for (int r = 0; r < kTileRows; ++r) {
      const __m512i a = load_pairs<Format>(row[r], k, n_k - k);
      for (int c = 0; c < C; ++c) acc[c][r] = dot_pairs(acc[c][r], a, b[c]);
    }
  }

  template <int C>
  static void clear(Vec (&acc)[C][kTileRows]) {
    for (auto& column : acc) {
      for (Vec& a : column) a = zero();
    }
  }

  /// The products of one scale's block are summed first and scaled once.
  template <int C>
  static void add_block(const Row (&row)[kTileRows], const Input* const* x, int64_t k, int64_t n_k,
                        Vec (&acc)[C][kTileRows]) {
    Vec block[C][kTileRows];
    clear(block);
    const int64_t end = k + Format::kBlock < n_k ? k + Format::kBlock : n_k;
    for (int64_t i = k; i < end; i += kPairLanes) add_products<C>(row, x, i, n_k, block);
    for (int r = 0; r < kTileRows; ++r) {
      const Vec scale = splat(Format::scale(row[r], k));
      for (int c = 0; c < C; ++c) acc[c][r] = mul_add(block[c][r], scale, acc[c][r]);
    }
  }

  template <int C>
  static void run(const Row (&row)[kTileRows], const Input* const* x, int64_t n_k, float (*sum)[kTileRows]) {
    Vec acc[C][kTileRows];
    clear(acc);
    if constexpr (Format::kScaled) {
      for (int64_t k = 0; k < n_k; k += Format::kBlock) add_block<C>(row, x, k, n_k, acc);
    } else {
      for (int64_t k = 0; k < n_k; k += kPairLanes) add_products<C>(row, x, k, n_k, acc);
    }
    for (int c = 0; c < C; ++c) sum4(acc[c][0], acc[c][1], acc[c][2], acc[c][3], sum[c]);
  }
};

inline void gemm_bf16(const GemmArgs& a) {
  switch (a.w.format) {
    case WeightFormat::kBF16:
      return gemm<PairTile<Bf16Pairs>>(a);
    case WeightFormat::kFp8Block:
      return gemm<PairTile<Fp8Pairs>>(a);
    case WeightFormat::kMxfp4:
      return gemm<PairTile<Mxfp4Pairs>>(a);
    case WeightFormat::kQ8:
      return gemm<PairTile<Q8Pairs>>(a);
    case WeightFormat::kF32:
    case WeightFormat::kF16:
      __builtin_trap();  // SimdBackend gives these f32 inputs
  }
}

}  // namespace
}  // namespace drawbridge
