#include "tensor/input_codec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "tensor/block_codec.h"

namespace drawbridge {
namespace {

/// The smallest E in [-127, 127] with max_abs <= largest * 2^E.
int covering_exponent(float max_abs, double largest) {
  int exponent = -127;
  while (exponent < 127 && std::ldexp(largest, exponent) < static_cast<double>(max_abs)) ++exponent;
  return exponent;
}

float nearest_of_grid(InputCodec codec, float value) {
  if (codec == InputCodec::kMxfp8) return e4m3_to_f32(f32_to_e4m3(value));
  if (codec == InputCodec::kMxfp4) return e2m1_to_f32(f32_to_e2m1(value));
  return std::nearbyint(value);
}

void quantize_block(InputCodec codec, std::span<float> block) {
  const float largest = max_abs(block);
  if (!std::isfinite(largest)) {
    std::fill(block.begin(), block.end(), std::numeric_limits<float>::quiet_NaN());
    return;
  }
  const int exponent = input_exponent(codec, largest);
  for (float& v : block) v = std::ldexp(nearest_of_grid(codec, std::ldexp(v, -exponent)), exponent);
}

}  // namespace

const char* input_codec_name(InputCodec codec) {
  constexpr std::array<const char*, 4> kNames = {"bf16", "int8", "mxfp8", "mxfp4"};
  return kNames[static_cast<size_t>(codec)];
}

InputCodec codec_for_weights(InputCodec codec, WeightFormat format) {
  switch (format) {
    case WeightFormat::kMxfp4:
      return codec;
    case WeightFormat::kFp8Block:
    case WeightFormat::kQ8:
      return codec == InputCodec::kMxfp4 ? InputCodec::kNone : codec;
    case WeightFormat::kF32:
    case WeightFormat::kF16:
    case WeightFormat::kBF16:
      return InputCodec::kNone;
  }
  return InputCodec::kNone;
}

int input_exponent(InputCodec codec, float max_abs) {
  DB_CHECK(codec != InputCodec::kNone);
  if (codec == InputCodec::kMxfp4) return mxfp4_exponent(max_abs, ScaleRule::kEven);
  return covering_exponent(max_abs, codec == InputCodec::kInt8 ? 127.0 : 448.0);
}

void quantize_input(InputCodec codec, std::span<float> row) {
  if (codec == InputCodec::kNone) return;
  while (!row.empty()) {
    const size_t n = std::min(row.size(), static_cast<size_t>(kInputBlock));
    quantize_block(codec, row.first(n));
    row = row.subspan(n);
  }
}

}  // namespace drawbridge
