// Int8Group: 128 inputs of a product as int8 codes, laid out for weights in MXFP4, whose bytes hold an even element in
// the low and an odd one in the high half: four blocks side by side, the even elements of each, then the odd ones.
#pragma once

#include <cstdint>

namespace drawbridge {

inline constexpr int kGroupBlocks = 4;
inline constexpr int64_t kGroupWidth = 128;

/// Input k of a block is code * 2 * scale. Kernels multiply by 2 * weight + kWeightOffset, which has no sign, and take
/// `offset` = kWeightOffset * (sum of the block's codes) away again.
struct alignas(32) Int8Group {
  int8_t even[kGroupWidth / 2];
  int8_t odd[kGroupWidth / 2];
  float scale[kGroupBlocks];
  int32_t offset[kGroupBlocks];
};

inline constexpr int kWeightOffset = 12;

}  // namespace drawbridge
