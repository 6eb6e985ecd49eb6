// Block codecs: f32 values into the stored formats that share a scale among neighbours. Decoding is dequantize_row.
// Sources: OCP microscaling formats (MX) v1.0 section 6.3; AMD Quark's "even" rule; ggml's q8_0.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace drawbridge {

/// How the exponent E of an MXFP4 block (scale 2^E) follows from a = max |x| of the block.
enum class ScaleRule : uint8_t {
  kEven,   // AMD Quark's default: floor(log2 a') - 2 with a' = a's mantissa rounded up from 1.75 on
  kFloor,  // the MX specification's text: floor(log2 a) - 2; values beyond 6 * 2^E saturate
  kCeil,   // ceil(log2(a / 6)): the smallest exponent at which nothing saturates
};

/// E in [-127, 127]; -127 for a block of zeros. `max_abs` is finite and >= 0.
int mxfp4_exponent(float max_abs, ScaleRule rule);

/// max |x|. NaN if any value is NaN.
float max_abs(std::span<const float> x);

/// 32 values as E2M1 codes at scale 2^exponent, low nibble first: x * 2^-E to nearest, ties to even, saturating at 6.
/// What rounds to zero loses its sign, as in Quark's files. No value is NaN.
void encode_mxfp4_block(std::span<const float, kMxfp4Block> x, int exponent, std::span<uint8_t, kMxfp4Block / 2> codes);

/// Beyond it a q8 scale, max |x| / 127, is no finite f16.
inline constexpr float kLargestQ8 = 127.0f * 65504.0f;

/// 32 values as int8 times an f16 scale of max |x| / 127, as ggml's q8_0 rounds. Returns the scale's bits.
uint16_t encode_q8_block(std::span<const float, kQ8Block> x, std::span<int8_t, kQ8Block> codes);

}  // namespace drawbridge
