#include "tensor/block_codec.h"

#include <algorithm>
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
      const uint32_t rounded = (std::bit_cast<uint32_t>(max_abs) + 0x200000u) & 0xff800000u;
      exponent = (rounded >> 23) == 0 ? -127 : static_cast<int>(rounded >> 23) - 127 - kLargestExponent;
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
  float largest = 0.0f;
  for (const float v : x) {
    if (std::isnan(v)) return v;
    largest = std::max(largest, std::fabs(v));
  }
  return largest;
}

void encode_mxfp4_block(std::span<const float, kMxfp4Block> x, int exponent,
                        std::span<uint8_t, kMxfp4Block / 2> codes) {
  for (size_t i = 0; i < codes.size(); ++i) {
    const uint8_t low = f32_to_e2m1(std::ldexp(x[2 * i], -exponent));
    const uint8_t high = f32_to_e2m1(std::ldexp(x[2 * i + 1], -exponent));
    codes[i] = static_cast<uint8_t>(low | (high << 4));
  }
}

uint16_t encode_q8_block(std::span<const float, kQ8Block> x, std::span<int8_t, kQ8Block> codes) {
  const float scale = max_abs(x) / 127.0f;
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<int8_t>(std::lround(x[i] * inverse));
  return f32_to_f16(scale);
}

}  // namespace drawbridge
