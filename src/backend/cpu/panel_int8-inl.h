// Inputs of panels as int8, and their product with MXFP4 or q8 weights in plain loops: what instruction sets without a
// kernel of their own use, and what theirs fall back on for numbers at the edge of f32. Included by kernels_<isa>.cpp
// after panel_decode-inl.h.
//
// A row's value is 4 bytes read and 1.25 written; measured (lab/input_codes.cpp): 0.5 us for 2,048 values with AVX-512
// or AVX2, 1.2 in plain C++. A product of 16 rows by 2 inputs a tile costs 2 operations a weight and input in f32,
// after its codes are widened: the limit is the rate of f32 multiply-adds.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// 32 inputs: each is 2 * code * 2^e. The rest is what an integer kernel starts a block's sum at and takes away again:
/// the float 1.5 * 2^(23 + e) has a unit of 2^e in its last place, so an integer added to its bits adds that many 2^e.
/// Kernels with weights offset to be unsigned add 128 * code too much; `start` makes up for it in advance.
struct Int8Block {
  int8_t code[kBlockColumns];
  uint32_t shift;  // bits of 1.5 * 2^(23 + e); for edge blocks, a NaN that carries e in its low half
  uint32_t start;  // shift - 128 * (sum of the codes)

  static constexpr uint32_t kPoint = 23u << 23;    // 2^23
  static constexpr uint32_t kHalf = 1u << 22;      // the .5 of 1.5
  static constexpr int kLargestExponent = 104;     // so that the float is finite
  static constexpr uint32_t kEdge = 0x7fe00000u;   // middle of the quiet NaNs: adding a sum leaves it one
  static constexpr uint32_t kNotFinite = 0xffffu;  // in place of an exponent

  static uint32_t shift_of(int e) {
    if (e > kLargestExponent) return kEdge | static_cast<uint32_t>(e);
    return (static_cast<uint32_t>(e + 127 + 23) << 23) | kHalf;
  }
  /// 2^e; NaN for a block that was not finite.
  float scale() const {
    if (shift < kEdge) return 0.5f * scale_of(static_cast<int>(shift >> 23) - 127 - 23 + 1);
    const uint32_t e = shift & 0xffffu;
    return e == kNotFinite ? __builtin_nanf("") : scale_of(static_cast<int>(e));
  }
};
static_assert(sizeof(Int8Block) == 40);

inline int64_t int8_row_bytes(int64_t k) {
  return whole_lines(blocks_of(k) * static_cast<int64_t>(sizeof(Int8Block)));
}

inline Int8Block pack_block(const float* x) {
  constexpr Grid kGrid = grid_of(InputCodec::kInt8);
  Int8Block block = {};
  const uint32_t largest = largest_bits(x);
  if (largest >= 0x7f800000u) {
    block.shift = block.start = Int8Block::kEdge | Int8Block::kNotFinite;
    return block;
  }
  const int exponent = block_exponent(kGrid, largest);
  const int32_t sum = store_codes(block.code, x, scale_of(-exponent));  // which the exponent keeps within 127
  block.shift = Int8Block::shift_of(exponent - 1);
  block.start = block.shift - 128u * static_cast<uint32_t>(sum);
  return block;
}

inline void pack_panel_int8(uint8_t* row, int64_t /*k*/, int64_t from, const float* x, int64_t n) {
  auto* block = reinterpret_cast<Int8Block*>(row) + from / kBlockColumns;
  const int64_t whole = n - n % kBlockColumns;
  for (int64_t i = 0; i < whole; i += kBlockColumns) *block++ = pack_block(x + i);
  if (whole == n) return;
  float rest[kBlockColumns] = {};
  std::memcpy(rest, x + whole, static_cast<size_t>(n - whole) * sizeof(float));
  *block = pack_block(rest);
}

/// Products in plain loops. Codes and the sums of a block are whole numbers below 2^24: exact in f32. The weight's
/// scale comes before the input's, which alone may take the product beyond what a float holds.
template <class Blocks>
class PlainInt8Product {
 public:
  static constexpr int kColumns = 2;

  PlainInt8Product(const PanelArgs& a, int64_t panel) : args_(a), panel_(panel), n_blocks_(blocks_of(a.w.k)) {
    if (!a.plan.expand) return;
    auto* const work = reinterpret_cast<BlockFloats*>(a.work);
    for (int64_t b = 0; b < n_blocks_; ++b) decode(a.w, panel, b, work[b]);
  }

  template <int C>
  void run(const uint8_t* const* x, PanelSums& sum) const {
    for (int c = 0; c < C; ++c) clear(sum[c]);
    for (int64_t b = 0; b < n_blocks_; ++b) {
      if (args_.plan.expand) {
        add_block<C>(args_.w, panel_, b, reinterpret_cast<const BlockFloats*>(args_.work)[b], x, sum);
      } else {
        BlockFloats codes;
        decode(args_.w, panel_, b, codes);
        add_block<C>(args_.w, panel_, b, codes, x, sum);
      }
    }
  }

  /// One row, without the work space.
  static void run_row(const Matrix& w, int64_t panel, const uint8_t* x, float (&sum)[kRows]) {
    PanelSums sums;
    clear(sums[0]);
    for (int64_t b = 0; b < blocks_of(w.k); ++b) {
      BlockFloats codes;
      decode(w, panel, b, codes);
      add_block<1>(w, panel, b, codes, &x, sums);
    }
    std::memcpy(sum, sums[0], sizeof sum);
  }

 private:
  static void clear(float (&sum)[kRows]) {
    for (float& s : sum) s = 0;
  }
  static void decode(const Matrix& w, int64_t panel, int64_t b, BlockFloats& codes) {
    Blocks::codes(panel_data(w, panel, Blocks::kBytes) + b * Blocks::kBytes, codes);
  }
  template <int C>
  static void add_block(const Matrix& w, int64_t panel, int64_t b, const BlockFloats& codes, const uint8_t* const* x,
                        PanelSums& sum) {
    float scale[kRows];
    Blocks::scales(w, panel, b, scale);
    for (int c = 0; c < C; ++c) {
      const Int8Block& block = reinterpret_cast<const Int8Block*>(x[c])[b];
      Vec dot[kVecs];
      for (Vec& d : dot) d = zero();
      for (int k = 0; k < static_cast<int>(kBlockColumns); ++k) {
        const Vec code = splat(static_cast<float>(2 * block.code[k]));
        for (int v = 0; v < kVecs; ++v) dot[v] = mul_add(load(codes[k] + v * kLanes), code, dot[v]);
      }
      const float x_scale = block.scale();
      for (int v = 0; v < kVecs; ++v) {
        float* const s = sum[c] + v * kLanes;
        const Vec w_scale = load(scale + v * kLanes);
        const Vec first = x_scale > 1 ? w_scale : splat(x_scale), second = x_scale > 1 ? splat(x_scale) : w_scale;
        store(s, mul_add(mul(dot[v], first), second, load(s)));
      }
    }
  }

  const PanelArgs& args_;
  int64_t panel_;
  int64_t n_blocks_;
};

inline void gemm_panels_plain_int8(const PanelArgs& a) {
  if (a.w.format == WeightFormat::kQ8) return gemm_panels<PlainInt8Product<Q8Blocks>>(a);
  return gemm_panels<PlainInt8Product<Mxfp4Blocks>>(a);
}

}  // namespace
}  // namespace drawbridge
