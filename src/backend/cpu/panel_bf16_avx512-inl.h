// y = x w^T with panels in any format and inputs in bf16, by vdpbf16ps: two columns of 16 rows an instruction, summed
// in f32. Included by kernels_avx512.cpp after dot_bf16_avx512-inl.h and panel_decode-inl.h.
//
// A tile is 16 rows x up to 8 tokens. A block of 32 columns is 16 vectors of pairs, unpacked one after the other, each
// multiplied with the pair of every token, broadcast from memory; the block's sums are then scaled and added up.
// Per token and block 16 vdpbf16ps and an FMA: limit 16 / 17 of the bf16 rate; for one token memory, or for FP8 and q8,
// which take 8 instructions to unpack a vector, about that. Many tokens share a panel unpacked to bf16 (plan.expand),
// 1024 bytes a block, in the second-level cache.
//
// The instruction takes subnormal inputs as zero: E4M3 and E2M1 are unpacked to normal numbers and scaled afterwards.
#pragma once

#include "backend/cpu/panel_avx512-inl.h"

namespace drawbridge {
namespace {

/// A packed row: bf16 in the order of panel_column, so that vectors unpack without moving between lanes.
inline int64_t bf16_row_bytes(int64_t k) {
  return whole_lines(blocks_of(k) * kBlockColumns * 2);
}
/// 16 values. In each four the second and the third change places.
inline void pack_bf16_lanes(uint16_t* y, Vec x) {
  const __m512i high = _mm512_srli_epi32(_mm512_castps_si512(round_bf16(x)), 16);
  const __m256i words = _mm512_cvtepi32_epi16(high);
  const __m256i moved = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(words, 0xd8), 0xd8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), moved);
}
inline void pack_panel_bf16(uint8_t* row, int64_t /*k*/, int64_t from, const float* x, int64_t n) {
  auto* const y = reinterpret_cast<uint16_t*>(row) + from;
  const int64_t padded = blocks_of(n) * kBlockColumns;
  for (int64_t i = 0; i < padded; i += kLanes) {
    const int64_t left = n - i;
    pack_bf16_lanes(y + i, left >= kLanes ? load(x + i) : left > 0 ? load_some(x + i, left) : zero());
  }
}

using BlockPairs = __m512i[16];  // vector p: two columns of row r in words 2 r and 2 r + 1

// How blocks of a panel become pairs of bf16 without their scale, and the scale of each row. Vectors of bytes hold
// four columns of a row in a lane: even bytes are the pair of columns 0 and 2, odd ones that of 1 and 3.
struct Mxfp4PanelPairs : Mxfp4Blocks {
  /// vpermw looks at the five lowest bits of a word: the table is there twice, so the fifth does not matter.
  static void pairs(const uint8_t* data, BlockPairs& w) {
    const __m256i values = _mm256_setr_epi16(0, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040, 0x4080, 0x40c0, -0x8000,
                                             -0x4100, -0x4080, -0x4040, -0x4000, -0x3fc0, -0x3f80, -0x3f40);
    const __m512i table = _mm512_broadcast_i64x4(values);
    for (int j = 0; j < 4; ++j) {
      const __m512i code = _mm512_loadu_si512(data + 64 * j);
      w[4 * j] = _mm512_permutexvar_epi16(code, table);
      w[4 * j + 1] = _mm512_permutexvar_epi16(_mm512_srli_epi16(code, 8), table);
      w[4 * j + 2] = _mm512_permutexvar_epi16(_mm512_srli_epi16(code, 4), table);
      w[4 * j + 3] = _mm512_permutexvar_epi16(_mm512_srli_epi16(code, 12), table);
    }
  }
  static Vec row_scales(const Matrix& w, int64_t panel, int64_t b) {
    return load_e8m0(panel_scales<uint8_t>(w, panel) + b * kRows);
  }
};

struct Q8PanelPairs : Q8Blocks {
  /// Byte `shift` of each lane less 128, as f32: the bits of 2^23 + byte, less 2^23 + 128.
  static __m512i whole_number(__m512i lanes, int shift) {
    const __m512i byte =
        _mm512_and_si512(_mm512_srli_epi32(lanes, static_cast<unsigned>(shift)), _mm512_set1_epi32(255));
    const __m512i sum = _mm512_or_si512(byte, _mm512_set1_epi32(0x4b000000));
    return _mm512_castps_si512(sub(_mm512_castsi512_ps(sum), splat(0x1p23f + 128)));
  }
  /// Whole numbers of 8 bits are exact in bf16, whose bits are the upper half of f32's.
  static void pairs(const uint8_t* data, BlockPairs& w) {
    for (int j = 0; j < 8; ++j) {
      const __m512i bytes = _mm512_loadu_si512(data + 64 * j);
      for (int i = 0; i < 2; ++i) {
        w[2 * j + i] =
            _mm512_or_si512(_mm512_srli_epi32(whole_number(bytes, 8 * i), 16), whole_number(bytes, 8 * i + 16));
      }
    }
  }
  static Vec row_scales(const Matrix& w, int64_t panel, int64_t b) {
    return widen_f16(panel_scales<uint16_t>(w, panel) + b * kRows);
  }
};

struct Fp8PanelPairs : Fp8Blocks {
  static void pairs(const uint8_t* data, BlockPairs& w) {
    for (int j = 0; j < 8; ++j) {
      const __m512i bytes = _mm512_loadu_si512(data + 64 * j);
      w[2 * j] = Fp8Pairs::from_codes(_mm512_and_si512(bytes, _mm512_set1_epi16(0xff)));
      w[2 * j + 1] = Fp8Pairs::from_codes(_mm512_srli_epi16(bytes, 8));
    }
  }
  static Vec row_scales(const Matrix& w, int64_t panel, int64_t b) { return splat(scale(w, panel, b)); }
};

struct Bf16PanelPairs : Bf16Blocks {
  static void pairs(const uint8_t* data, BlockPairs& w) {
    for (int j = 0; j < 16; ++j) w[j] = _mm512_loadu_si512(data + 64 * j);
  }
};

constexpr int64_t kPairBytes = sizeof(BlockPairs);

/// Products with a panel as it lies, or with one that expand() left as pairs in `work`.
template <class Pairs, bool kExpanded>
class PairProduct {
 public:
  static constexpr int kColumns = 8;  // sums, a block's sums and its vectors fit 32 registers

  PairProduct(const PanelArgs& a, int64_t panel)
      : w_(a.w), panel_(panel), n_blocks_(blocks_of(a.w.k)), data_(panel_data(a.w, panel, Pairs::kBytes)) {
    if constexpr (kExpanded) {
      for (int64_t b = 0; b < n_blocks_; ++b) {
        BlockPairs pairs;
        prefetch_ahead<Pairs::kBytes>(data_ + b * Pairs::kBytes);
        Pairs::pairs(data_ + b * Pairs::kBytes, pairs);
        for (int j = 0; j < 16; ++j) _mm512_storeu_si512(a.work + b * kPairBytes + 64 * j, pairs[j]);
      }
      data_ = a.work;
    }
  }

  template <int C>
  [[gnu::noinline]] void run(const uint8_t* const* x, PanelSums& sum) const {
    Vec acc[C];
    for (Vec& a : acc) a = zero();
    for (int64_t b = 0; b < n_blocks_; ++b) {
      Vec even[C], odd[C];
      for (int c = 0; c < C; ++c) even[c] = odd[c] = zero();
      BlockPairs pairs;
      load(b, pairs);
      for (int j = 0; j < 16; j += 2) {
        for (int c = 0; c < C; ++c) even[c] = dot_pairs(even[c], pairs[j], splat_bits(x[c] + b * 64 + 4 * j));
        for (int c = 0; c < C; ++c) odd[c] = dot_pairs(odd[c], pairs[j + 1], splat_bits(x[c] + b * 64 + 4 * j + 4));
      }
      if constexpr (Pairs::kHasScales) {
        const Vec scale = Pairs::row_scales(w_, panel_, b);
        for (int c = 0; c < C; ++c) acc[c] = mul_add(add(even[c], odd[c]), scale, acc[c]);
      } else {
        for (int c = 0; c < C; ++c) acc[c] = add(acc[c], add(even[c], odd[c]));
      }
    }
    for (int c = 0; c < C; ++c) store(sum[c], acc[c]);
  }

 private:
  [[gnu::always_inline]] void load(int64_t b, BlockPairs& pairs) const {
    if constexpr (kExpanded) {
      Bf16PanelPairs::pairs(data_ + b * kPairBytes, pairs);
    } else {
      prefetch_ahead<Pairs::kBytes>(data_ + b * Pairs::kBytes);
      Pairs::pairs(data_ + b * Pairs::kBytes, pairs);
    }
  }

  const Matrix& w_;
  int64_t panel_;
  int64_t n_blocks_;
  const uint8_t* data_;
};

inline int64_t bf16_work_bytes(const Matrix& w) {
  return w.format == WeightFormat::kBF16 ? 0 : blocks_of(w.k) * kPairBytes;
}

template <class Pairs>
void gemm_pairs(const PanelArgs& a) {
  if (a.plan.expand) return gemm_panels<PairProduct<Pairs, true>>(a);
  return gemm_panels<PairProduct<Pairs, false>>(a);
}

inline void gemm_panels_bf16(const PanelArgs& a) {
  switch (a.w.format) {
    case WeightFormat::kMxfp4:
      return gemm_pairs<Mxfp4PanelPairs>(a);
    case WeightFormat::kQ8:
      return gemm_pairs<Q8PanelPairs>(a);
    case WeightFormat::kFp8Block:
      return gemm_pairs<Fp8PanelPairs>(a);
    case WeightFormat::kBF16:  // already pairs
      return gemm_panels<PairProduct<Bf16PanelPairs, false>>(a);
    case WeightFormat::kF32:
    case WeightFormat::kF16:
      __builtin_trap();  // has_panels() says so
  }
}

}  // namespace
}  // namespace drawbridge
