// Blocks of a panel, 16 rows x 32 columns, as floats in the order [column][row]: plain loops over the layout for any
// instruction set. Included by kernels_<isa>.cpp after panel-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

using BlockFloats = float[kBlockColumns][kRows];

/// 2^(byte - 127); 2^-127 is subnormal, 255 is NaN.
inline float scale_of_e8m0(uint32_t byte) {
  if (byte == 255) return __builtin_nanf("");
  return float_of_bits(byte == 0 ? 0x400000u : byte << 23);
}

// A format: its elements without their scale, and the scale of each row in block b.
struct Mxfp4Blocks {
  static constexpr int64_t kBytes = 256;
  static constexpr bool kHasScales = true;
  static void codes(const uint8_t* data, BlockFloats& w) {
    constexpr float kValue[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                  -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
    for (int j = 0; j < 4; ++j) {
      for (int r = 0; r < kRows; ++r) {
        for (int i = 0; i < 4; ++i) {
          const uint8_t pair = data[64 * j + 4 * r + i];
          w[8 * j + i][r] = kValue[pair & 15];
          w[8 * j + 4 + i][r] = kValue[pair >> 4];
        }
      }
    }
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
    for (int j = 0; j < 8; ++j) {
      for (int r = 0; r < kRows; ++r) {
        for (int i = 0; i < 4; ++i) w[4 * j + i][r] = static_cast<float>(data[64 * j + 4 * r + i] - 128);
      }
    }
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
    for (int j = 0; j < 8; ++j) {
      float value[64];
      for (int i = 0; i < 64; i += kLanes) store(value + i, widen_e4m3(data + 64 * j + i));
      for (int r = 0; r < kRows; ++r) {
        for (int i = 0; i < 4; ++i) w[4 * j + i][r] = value[4 * r + i];
      }
    }
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
    constexpr int kColumn[4] = {0, 2, 1, 3};  // its own inverse
    for (int j = 0; j < 16; ++j) {
      for (int r = 0; r < kRows; ++r) {
        for (int i = 0; i < 2; ++i) {
          uint16_t bits;
          std::memcpy(&bits, data + 64 * j + 4 * r + 2 * i, sizeof bits);
          w[j / 2 * 4 + kColumn[j % 2 * 2 + i]][r] = float_of_bits(static_cast<uint32_t>(bits) << 16);
        }
      }
    }
  }
  static void scales(const Matrix&, int64_t, int64_t, float (&)[kRows]) {}
};

}  // namespace
}  // namespace drawbridge
