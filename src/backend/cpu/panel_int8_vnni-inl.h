// y = x w^T with panels of MXFP4 or q8 and inputs in int8, by vpdpbusd: four columns of 16 rows an instruction, exact
// within a block of 32 columns, one f32 FMA a block. Included by kernels_avx512_vnni.cpp after panel_int8-inl.h.
//
// A tile is 16 rows x up to 16 tokens: 16 sums, the block's weights in 8 registers, inputs broadcast from memory. For
// each token and block 8 vpdpbusd and an FMA go to the two multiplying ports; scaling the input costs a subtraction on
// the others (Int8Block). Limit: 8 / 9 of the int8 rate, or, for one token, memory: 272 bytes (MXFP4) a block of 512
// weights.
//
// Weights are unsigned, w + 128, as q8 is stored; E2M1 codes are looked up as 2 * value + 128, which Int8Block's
// doubled unit makes up for. Sums that come out NaN are done again by plain loops, for inputs beyond 2^110 are packed
// as NaN.
#pragma once

#include "backend/cpu/panel_avx512-inl.h"

namespace drawbridge {
namespace {

using BlockBytes = __m512i[8];  // vector j: columns 4 j + i of row r in byte 4 r + i

/// Both halves of the bytes through the table of E2M1, as a panel of MXFP4 lies in memory.
inline void unpack_nibbles(const uint8_t* data, BlockBytes& w) {
  const __m512i values = _mm512_broadcast_i32x4(
      _mm_setr_epi8(-128, -127, -126, -125, -124, -122, -120, -116, -128, 127, 126, 125, 124, 122, 120, 116));
  const __m512i nibble = _mm512_set1_epi8(15);
  for (int j = 0; j < 4; ++j) {
    const __m512i bytes = _mm512_loadu_si512(data + 64 * j);
    w[2 * j] = _mm512_shuffle_epi8(values, _mm512_and_si512(bytes, nibble));
    w[2 * j + 1] = _mm512_shuffle_epi8(values, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
  }
}
inline void load_bytes(const uint8_t* data, BlockBytes& w) {
  for (int j = 0; j < 8; ++j) w[j] = _mm512_loadu_si512(data + 64 * j);
}

// A panel's blocks as bytes, and the scale of its rows in a unit of which Int8Block's 2^e is half.
class Mxfp4Source {
 public:
  using Blocks = Mxfp4Blocks;
  Mxfp4Source(const PanelArgs& a, int64_t panel)
      : data_(panel_data(a.w, panel, Blocks::kBytes)), scale_(panel_scales<uint8_t>(a.w, panel)) {}
  void load(int64_t b, BlockBytes& w) const {
    prefetch_ahead<Blocks::kBytes>(data_ + b * Blocks::kBytes);
    unpack_nibbles(data_ + b * Blocks::kBytes, w);
  }
  Vec scales(int64_t b) const { return load_e8m0(scale_ + b * kRows); }

 private:
  const uint8_t* data_;
  const uint8_t* scale_;
};

/// MXFP4 unpacked once for all tokens.
class ExpandedMxfp4Source {
 public:
  using Blocks = Mxfp4Blocks;
  static constexpr int64_t kBytes = 512;
  ExpandedMxfp4Source(const PanelArgs& a, int64_t panel) : data_(a.work), scale_(panel_scales<uint8_t>(a.w, panel)) {
    const uint8_t* const packed = panel_data(a.w, panel, Blocks::kBytes);
    for (int64_t b = 0; b < blocks_of(a.w.k); ++b) {
      BlockBytes w;
      prefetch_ahead<Blocks::kBytes>(packed + b * Blocks::kBytes);
      unpack_nibbles(packed + b * Blocks::kBytes, w);
      for (int j = 0; j < 8; ++j) _mm512_storeu_si512(a.work + b * kBytes + 64 * j, w[j]);
    }
  }
  void load(int64_t b, BlockBytes& w) const { load_bytes(data_ + b * kBytes, w); }
  Vec scales(int64_t b) const { return load_e8m0(scale_ + b * kRows); }

 private:
  const uint8_t* data_;
  const uint8_t* scale_;
};

class Q8Source {
 public:
  using Blocks = Q8Blocks;
  Q8Source(const PanelArgs& a, int64_t panel)
      : data_(panel_data(a.w, panel, Blocks::kBytes)), scale_(panel_scales<uint16_t>(a.w, panel)) {}
  void load(int64_t b, BlockBytes& w) const {
    prefetch_ahead<Blocks::kBytes>(data_ + b * Blocks::kBytes);
    load_bytes(data_ + b * Blocks::kBytes, w);
  }
  Vec scales(int64_t b) const {
    const Vec scale = widen_f16(scale_ + b * kRows);
    return add(scale, scale);
  }

 private:
  const uint8_t* data_;
  const uint16_t* scale_;
};

template <class Source>
class VnniProduct {
 public:
  static constexpr int kColumns = 16;

  VnniProduct(const PanelArgs& a, int64_t panel) : args_(a), panel_(panel), source_(a, panel) {}

  template <int C>
  [[gnu::noinline]] void run(const uint8_t* const* x, PanelSums& sum) const {
    Vec acc[C];
    for (Vec& a : acc) a = zero();
    const int64_t n_blocks = blocks_of(args_.w.k);
    for (int64_t b = 0; b < n_blocks; ++b) {
      BlockBytes w;
      source_.load(b, w);
      const Vec scale = source_.scales(b);
      add_columns<0, C>(w, scale, x, b * static_cast<int64_t>(sizeof(Int8Block)), acc);
    }
    for (int c = 0; c < C; ++c) {
      store(sum[c], acc[c]);
      if (_mm512_cmp_ps_mask(acc[c], acc[c], _CMP_UNORD_Q) != 0) {
        PlainInt8Product<typename Source::Blocks>::run_row(args_.w, panel_, x[c], sum[c]);
      }
    }
  }

 private:
  /// Columns from `kFrom` on, so many at a time that their chains of additions hide each other's latency.
  template <int kFrom, int C>
  [[gnu::always_inline]] static void add_columns(const BlockBytes& w, Vec scale, const uint8_t* const* x, int64_t at,
                                                 Vec (&acc)[C]) {
    constexpr int kChains = C - kFrom < 4 ? C - kFrom : 4;
    __m512i dot[kChains];
    for (int c = 0; c < kChains; ++c) dot[c] = splat_bits(x[kFrom + c] + at + offsetof(Int8Block, start));
    for (int j = 0; j < 8; ++j) {
      for (int c = 0; c < kChains; ++c) {
        dot[c] = _mm512_dpbusd_epi32(dot[c], w[j], splat_bits(x[kFrom + c] + at + 4 * j));
      }
    }
    for (int c = 0; c < kChains; ++c) {
      const Vec shift = _mm512_castsi512_ps(splat_bits(x[kFrom + c] + at + offsetof(Int8Block, shift)));
      acc[kFrom + c] = mul_add(sub(_mm512_castsi512_ps(dot[c]), shift), scale, acc[kFrom + c]);
    }
    if constexpr (kFrom + kChains < C) add_columns<kFrom + kChains, C>(w, scale, x, at, acc);
  }

  const PanelArgs& args_;
  int64_t panel_;
  Source source_;
};

inline int64_t vnni_work_bytes(const Matrix& w) {
  return w.format == WeightFormat::kMxfp4 ? blocks_of(w.k) * ExpandedMxfp4Source::kBytes : 0;
}

inline void gemm_panels_vnni(const PanelArgs& a) {
  if (a.w.format == WeightFormat::kQ8) return gemm_panels<VnniProduct<Q8Source>>(a);
  if (a.plan.expand) return gemm_panels<VnniProduct<ExpandedMxfp4Source>>(a);
  return gemm_panels<VnniProduct<Mxfp4Source>>(a);
}

}  // namespace
}  // namespace drawbridge
