// y = x w^T with panels of MXFP4 or q8 and inputs in int8, by vpmaddubsw, which multiplies unsigned by signed bytes and
// adds pairs in 16 bits. Included by kernels_avx2.cpp after panel_int8-inl.h.
//
// A tile is 8 rows x up to 4 tokens, the two halves of a panel one after the other: 4 sums, a block's weights in 8
// registers. MXFP4 codes are looked up as 2 * value + 12, at most 24: four sums of pairs, 4 * 2 * 24 * 127, fit 16
// bits, so that a token and block cost 8 multiplications, 6 additions and 2 widenings. q8 gives its sign to the input
// and is widened each time. Limits: those, or memory for a single token.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

using HalfBytes = __m256i[8];  // vector j: columns 4 j + i of row r in byte 4 r + i, rows of one half of the panel

inline __m256i load_ymm(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline __m256i splat_codes(const Int8Block& x, int j) {
  int32_t four;
  std::memcpy(&four, x.code + 4 * j, sizeof four);
  return _mm256_set1_epi32(four);
}
inline __m256i add_pairs(__m256i words) {
  return _mm256_madd_epi16(words, _mm256_set1_epi16(1));
}

class Mxfp4Half {
 public:
  using Blocks = Mxfp4Blocks;
  static void load(const uint8_t* data, HalfBytes& w) {
    const __m256i values =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    const __m256i nibble = _mm256_set1_epi8(15);
    for (int j = 0; j < 4; ++j) {
      const __m256i bytes = load_ymm(data + 64 * j);
      w[2 * j] = _mm256_shuffle_epi8(values, _mm256_and_si256(bytes, nibble));
      w[2 * j + 1] = _mm256_shuffle_epi8(values, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
    }
  }
  static __m256i dot(const HalfBytes& w, const Int8Block& x) {
    __m256i sum = _mm256_setzero_si256();
    for (int j = 0; j < 8; j += 4) {
      __m256i words = _mm256_maddubs_epi16(w[j], splat_codes(x, j));
      for (int i = 1; i < 4; ++i) {
        words = _mm256_add_epi16(words, _mm256_maddubs_epi16(w[j + i], splat_codes(x, j + i)));
      }
      sum = _mm256_add_epi32(sum, add_pairs(words));
    }
    return sum;
  }
  /// Bits to start from: Int8Block::start is for an offset of 128, this one is 12.
  static uint32_t start(const Int8Block& x) {
    const int32_t sum_128 = static_cast<int32_t>(x.shift - x.start);
    return x.shift - static_cast<uint32_t>(sum_128 / 128 * 12);
  }
  static Vec scales(const Matrix& w, int64_t panel, int64_t b, int64_t row) {
    const uint8_t* const byte = panel_scales<uint8_t>(w, panel) + b * kRows + row;
    const __m256i exponent = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(byte)));
    const __m256i bits = _mm256_max_epi32(_mm256_slli_epi32(exponent, 23), _mm256_set1_epi32(0x400000));
    const __m256i is_nan = _mm256_cmpeq_epi32(exponent, _mm256_set1_epi32(255));
    return _mm256_castsi256_ps(_mm256_blendv_epi8(bits, _mm256_set1_epi32(0x7fc00000), is_nan));
  }
};

class Q8Half {
 public:
  using Blocks = Q8Blocks;
  static void load(const uint8_t* data, HalfBytes& w) {
    for (int j = 0; j < 8; ++j) w[j] = _mm256_xor_si256(load_ymm(data + 64 * j), _mm256_set1_epi8(-128));
  }
  /// Pairs reach 2 * 128 * 127, which is all that 16 bits hold.
  static __m256i dot(const HalfBytes& w, const Int8Block& x) {
    __m256i sum = _mm256_setzero_si256();
    for (int j = 0; j < 8; ++j) {
      const __m256i code = _mm256_sign_epi8(splat_codes(x, j), w[j]);
      sum = _mm256_add_epi32(sum, add_pairs(_mm256_maddubs_epi16(_mm256_abs_epi8(w[j]), code)));
    }
    return sum;
  }
  static uint32_t start(const Int8Block& x) { return x.shift; }
  /// In the unit of which Int8Block's 2^e is half.
  static Vec scales(const Matrix& w, int64_t panel, int64_t b, int64_t row) {
    const Vec scale = widen_f16(panel_scales<uint16_t>(w, panel) + b * kRows + row);
    return add(scale, scale);
  }
};

template <class Half>
class Avx2Int8Product {
 public:
  static constexpr int kColumns = 4;

  Avx2Int8Product(const PanelArgs& a, int64_t panel) : w_(a.w), panel_(panel) {}

  template <int C>
  [[gnu::noinline]] void run(const uint8_t* const* x, PanelSums& sum) const {
    for (int row = 0; row < kRows; row += kLanes) run_half<C>(row, x, sum);
    for (int c = 0; c < C; ++c) {
      bool has_nan = false;
      for (const float s : sum[c]) has_nan |= s != s;
      if (has_nan) PlainInt8Product<typename Half::Blocks>::run_row(w_, panel_, x[c], sum[c]);
    }
  }

 private:
  template <int C>
  void run_half(int row, const uint8_t* const* x, PanelSums& sum) const {
    Vec acc[C];
    for (Vec& a : acc) a = zero();
    const uint8_t* const data = panel_data(w_, panel_, Half::Blocks::kBytes) + 4 * row;
    for (int64_t b = 0; b < blocks_of(w_.k); ++b) {
      HalfBytes w;
      prefetch_ahead<Half::Blocks::kBytes>(data + b * Half::Blocks::kBytes);
      Half::load(data + b * Half::Blocks::kBytes, w);
      const Vec scale = Half::scales(w_, panel_, b, row);
      for (int c = 0; c < C; ++c) {
        const Int8Block& block = reinterpret_cast<const Int8Block*>(x[c])[b];
        const __m256i start = _mm256_set1_epi32(static_cast<int32_t>(Half::start(block)));
        const Vec bits = _mm256_castsi256_ps(_mm256_add_epi32(start, Half::dot(w, block)));
        acc[c] = mul_add(sub(bits, splat(float_of_bits(block.shift))), scale, acc[c]);
      }
    }
    for (int c = 0; c < C; ++c) store(sum[c] + row, acc[c]);
  }

  const Matrix& w_;
  int64_t panel_;
};

inline void gemm_panels_avx2_int8(const PanelArgs& a) {
  if (a.w.format == WeightFormat::kQ8) return gemm_panels<Avx2Int8Product<Q8Half>>(a);
  return gemm_panels<Avx2Int8Product<Mxfp4Half>>(a);
}

}  // namespace
}  // namespace drawbridge
