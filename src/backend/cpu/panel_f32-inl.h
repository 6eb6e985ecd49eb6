// y = x w^T with panels in any format and inputs in f32. A block is decoded to [32][16] floats, scales applied, and
// each of its columns then costs one fused multiply-add of 16 rows a token: the limit is the rate of f32 FMAs, and for
// a single token that of decoding. Included by kernels_<isa>.cpp after panel_decode-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// A packed row: the values, filled up with zeros to whole blocks.
inline int64_t f32_row_bytes(int64_t k) {
  return whole_lines(blocks_of(k) * kBlockColumns * static_cast<int64_t>(sizeof(float)));
}
inline void pack_panel_f32(uint8_t* row, int64_t /*k*/, int64_t from, const float* x, int64_t n) {
  auto* const y = reinterpret_cast<float*>(row) + from;
  std::memcpy(y, x, static_cast<size_t>(n) * sizeof(float));
  for (int64_t i = n; i < blocks_of(n) * kBlockColumns; ++i) y[i] = 0;
}
inline int64_t f32_work_bytes(const Matrix& w) {
  return blocks_of(w.k) * static_cast<int64_t>(sizeof(BlockFloats));
}

/// Sums over k in order, one accumulator an output.
template <class Blocks>
class F32Product {
 public:
  static constexpr int kColumns = kLanes == 16 ? 8 : kLanes == 8 ? 6 : 2;

  F32Product(const PanelArgs& a, int64_t panel) : args_(a), panel_(panel), n_blocks_(blocks_of(a.w.k)) {
    if (!a.plan.expand) return;
    auto* const work = reinterpret_cast<BlockFloats*>(a.work);
    for (int64_t b = 0; b < n_blocks_; ++b) decode(b, work[b]);
  }

  template <int C>
  [[gnu::noinline]] void run(const uint8_t* const* x, PanelSums& sum) const {
    Vec acc[C][kVecs];
    for (auto& column : acc) {
      for (Vec& v : column) v = zero();
    }
    for (int64_t b = 0; b < n_blocks_; ++b) {
      if (args_.plan.expand) {
        add_block<C>(reinterpret_cast<const BlockFloats*>(args_.work)[b], x, b, acc);
      } else {
        alignas(64) BlockFloats w;
        decode(b, w);
        add_block<C>(w, x, b, acc);
      }
    }
    for (int c = 0; c < C; ++c) {
      for (int v = 0; v < kVecs; ++v) store(sum[c] + v * kLanes, acc[c][v]);
    }
  }

 private:
  void decode(int64_t b, BlockFloats& w) const {
    const uint8_t* const block = panel_data(args_.w, panel_, Blocks::kBytes) + b * Blocks::kBytes;
    prefetch_ahead<Blocks::kBytes>(block);
    Blocks::codes(block, w);
    if constexpr (Blocks::kHasScales) {
      float scale[kRows];
      Blocks::scales(args_.w, panel_, b, scale);
      for (auto& column : w) {
        for (int r = 0; r < kRows; r += kLanes) store(column + r, mul(load(column + r), load(scale + r)));
      }
    }
  }

  template <int C>
  [[gnu::always_inline]] static void add_block(const BlockFloats& w, const uint8_t* const* x, int64_t b,
                                               Vec (&acc)[C][kVecs]) {
    for (int k = 0; k < static_cast<int>(kBlockColumns); ++k) {
      for (int c = 0; c < C; ++c) {
        const Vec value = splat(reinterpret_cast<const float*>(x[c])[b * kBlockColumns + k]);
        for (int v = 0; v < kVecs; ++v) acc[c][v] = mul_add(load(w[k] + v * kLanes), value, acc[c][v]);
      }
    }
  }

  const PanelArgs& args_;
  int64_t panel_;
  int64_t n_blocks_;
};

inline void gemm_panels_f32(const PanelArgs& a) {
  switch (a.w.format) {
    case WeightFormat::kMxfp4:
      return gemm_panels<F32Product<Mxfp4Blocks>>(a);
    case WeightFormat::kQ8:
      return gemm_panels<F32Product<Q8Blocks>>(a);
    case WeightFormat::kFp8Block:
      return gemm_panels<F32Product<Fp8Blocks>>(a);
    case WeightFormat::kBF16:
      return gemm_panels<F32Product<Bf16Blocks>>(a);
    case WeightFormat::kF32:
    case WeightFormat::kF16:
      __builtin_trap();  // has_panels() says so
  }
}

constexpr PanelProduct f32_panels(const char* name) {
  return PanelProduct{name,           f32_row_bytes,   pack_panel_f32,
                      f32_work_bytes, gemm_panels_f32, F32Product<Bf16Blocks>::kColumns};
}

}  // namespace
}  // namespace drawbridge
