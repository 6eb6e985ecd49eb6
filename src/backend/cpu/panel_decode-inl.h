// Blocks of a panel, 16 rows x 32 columns, as floats in the order [column][row]. A lane of a panel's vector holds a few
// columns of one row, so shifting lanes brings out a column of all rows and nothing moves between them. Included by
// kernels_<isa>.cpp after panel-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

using BlockFloats = float[kBlockColumns][kRows];

inline Lanes load_lanes(const uint8_t* p) {
  Lanes lanes;
  std::memcpy(&lanes, p, sizeof lanes);
  return lanes;
}
/// 2^(byte - 127); 2^-127 is subnormal, 255 is NaN.
inline float scale_of_e8m0(uint32_t byte) {
  if (byte == 255) return __builtin_nanf("");
  return float_of_bits(byte == 0 ? 0x400000u : byte << 23);
}

/// For each part of a panel's vectors: `columns(lanes, vector, row)`.
template <int kVectors, class Columns>
[[gnu::always_inline]] inline void for_each_vector(const uint8_t* data, const Columns& columns) {
  for (int j = 0; j < kVectors; ++j) {
    for (int r = 0; r < kRows; r += kLanes) columns(load_lanes(data + 64 * j + 4 * r), j, r);
  }
}

// A format: its elements without their scale, and the scale of each row in block b.
struct Mxfp4Blocks {
  static constexpr int64_t kBytes = 256;
  static constexpr bool kHasScales = true;
  static void codes(const uint8_t* data, BlockFloats& w) {
    for_each_vector<4>(data, [&](Lanes lanes, int j, int r) {
      for (int i = 0; i < 8; ++i) store(w[8 * j + i] + r, look_up_e2m1(lanes >> (i < 4 ? 8 * i : 8 * i - 28)));
    });
  }
  static void scales(const Matrix& w, int64_t panel, int64_t b, float (&scale)[kRows]) {
    const uint8_t* const byte = panel_scales<uint8_t>(w, panel) + b * kRows;
    for (int r = 0; r < kRows; ++r) scale[r] = scale_of_e8m0(byte[r]);
  }
};

struct Q8Blocks {
  static constexpr int64_t kBytes = 512;
  static constexpr bool kHasScales = true;
  static void codes(const uint8_t* data, BlockFloats& w) {
    for_each_vector<8>(data, [&](Lanes lanes, int j, int r) {
      for (int i = 0; i < 4; ++i) {
        // The bits of 2^23 + byte.
        const Lanes sum = ((lanes >> (8 * i)) & 0xffu) | 0x4b000000u;
        store(w[4 * j + i] + r, sub(reinterpret_cast<Vec>(sum), splat(0x1p23f + 128)));
      }
    });
  }
  static void scales(const Matrix& w, int64_t panel, int64_t b, float (&scale)[kRows]) {
    const uint16_t* const half = panel_scales<uint16_t>(w, panel) + b * kRows;
    for (int r = 0; r < kRows; r += kLanes) store(scale + r, widen_f16(half + r));
  }
};

struct Fp8Blocks {
  static constexpr int64_t kBytes = 512;
  static constexpr bool kHasScales = true;
  static void codes(const uint8_t* data, BlockFloats& w) {
    for_each_vector<8>(data, [&](Lanes lanes, int j, int r) {
      for (int i = 0; i < 4; ++i) store(w[4 * j + i] + r, e4m3(lanes >> (8 * i)));
    });
  }
  /// Of the lowest eight bits. Below 8 the magnitude counts 2^-9; 127 is NaN.
  static Vec e4m3(Lanes code) {
    const Lanes magnitude = code & 0x7fu;
    const Vec number = sub(reinterpret_cast<Vec>(magnitude | 0x4b000000u), splat(0x1p23f));
    const Lanes subnormal = reinterpret_cast<Lanes>(mul(number, splat(0x1p-9f)));
    const Lanes normal = (magnitude << 20) + (120u << 23);
    const Lanes is_subnormal = reinterpret_cast<Lanes>(magnitude < 8u);
    const Lanes nan = reinterpret_cast<Lanes>(magnitude == 0x7fu) & 0x7fc00000u;
    const Lanes bits = (subnormal & is_subnormal) | (normal & ~is_subnormal) | nan;
    return reinterpret_cast<Vec>(bits | ((code & 0x80u) << 24));
  }
  /// Of the 128 x 128 block that holds this one.
  static float scale(const Matrix& w, int64_t panel, int64_t b) {
    constexpr int64_t kEdge = kFp8BlockEdge;
    const int64_t row = panel * kRows / kEdge, column = b * kBlockColumns / kEdge;
    return static_cast<const float*>(w.scale)[row * ((w.k + kEdge - 1) / kEdge) + column];
  }
  static void scales(const Matrix& w, int64_t panel, int64_t b, float (&scales)[kRows]) {
    for (float& s : scales) s = scale(w, panel, b);
  }
};

struct Bf16Blocks {
  static constexpr int64_t kBytes = 1024;
  static constexpr bool kHasScales = false;
  static void codes(const uint8_t* data, BlockFloats& w) {
    for_each_vector<16>(data, [&](Lanes lanes, int j, int r) {
      const int first = j / 2 * 4 + j % 2;
      store(w[first] + r, reinterpret_cast<Vec>(lanes << 16));
      store(w[first + 2] + r, reinterpret_cast<Vec>(lanes & 0xffff0000u));
    });
  }
  static void scales(const Matrix&, int64_t, int64_t, float (&)[kRows]) {}
};

}  // namespace
}  // namespace drawbridge
