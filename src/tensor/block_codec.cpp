#include "tensor/block_codec.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"

namespace drawbridge {
namespace {

/// floor(log2 a) for a > 0, subnormals included.
int floor_log2(float a) {
  int exponent = 0;
  std::frexp(a, &exponent);
  return exponent - 1;
}

}  // namespace

int mxfp4_exponent(float max_abs, ScaleRule rule) {
  if (max_abs == 0.0f) return -127;
  constexpr int kLargestExponent = 2;  // of E2M1: 6 = 1.5 * 2^2
  int exponent = 0;
  switch (rule) {
    case ScaleRule::kEven: {
      // Adding a quarter of the mantissa's unit carries into the exponent from 1.75 on.
      const uint32_t rounded = (std::bit_cast<uint32_t>(max_abs) + 0x200000u) >> 23;
      if (rounded == 0) return -127;
      if (rounded == 255) return 127;  // carried to infinity, and so does Quark
      exponent = static_cast<int>(rounded) - 127 - kLargestExponent;
      break;
    }
    case ScaleRule::kFloor:
      exponent = floor_log2(max_abs) - kLargestExponent;
      break;
    case ScaleRule::kCeil:
      exponent = floor_log2(max_abs) - kLargestExponent;
      if (std::ldexp(6.0f, exponent) < max_abs) ++exponent;
      break;
  }
  return std::clamp(exponent, -127, 127);
}

float max_abs(std::span<const float> x) {
  // Without their sign floats order as their bits do, NaN above all.
  uint32_t largest = 0;
  for (const float v : x) largest = std::max(largest, std::bit_cast<uint32_t>(v) & 0x7fffffffu);
  return std::bit_cast<float>(largest);
}

void encode_mxfp4_block(std::span<const float, kMxfp4Block> x, int exponent,
                        std::span<uint8_t, kMxfp4Block / 2> codes) {
  const float inverse = std::ldexp(1.0f, -exponent);
  std::array<uint8_t, kMxfp4Block> nibbles;
  for (size_t i = 0; i < nibbles.size(); ++i) {
    // Counts the halfway points below; at one the even code wins. No branch, so that compilers use vectors.
    const float m = std::fabs(x[i] * inverse);
    const int code = (m > 0.25f) + (m >= 0.75f) + (m > 1.25f) + (m >= 1.75f) + (m > 2.5f) + (m >= 3.5f) + (m > 5.0f);
    const int sign = (x[i] < 0 ? 8 : 0) & -static_cast<int>(code != 0);
    nibbles[i] = static_cast<uint8_t>(code | sign);
  }
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<uint8_t>(nibbles[2 * i] | (nibbles[2 * i + 1] << 4));
  }
}

uint16_t encode_q8_block(std::span<const float, kQ8Block> x, std::span<int8_t, kQ8Block> codes) {
  const float scale = max_abs(x) / 127.0f;
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<int8_t>(std::lround(x[i] * inverse));
  return f32_to_f16(scale);
}

}  // namespace drawbridge
