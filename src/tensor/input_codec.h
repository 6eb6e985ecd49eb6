// InputCodec: the grid onto which a product with quantized weights puts its inputs, in blocks of 32 along K that share
// a power of two. Every normal number of a grid is exact in bf16: a kernel may multiply decoded values or codes.
// Source: OCP microscaling formats (MX) v1.0: MXINT8, MXFP8 (E4M3), MXFP4.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/matrix.h"

namespace drawbridge {

enum class InputCodec : uint8_t {
  kNone,   // as the numerics say: f32 or bf16
  kInt8,   // whole numbers in [-127, 127] times the smallest 2^E at which none saturates
  kMxfp8,  // E4M3 times the smallest 2^E at which none saturates
  kMxfp4,  // E2M1 times 2^E of AMD Quark's rule "even"
};

inline constexpr int64_t kInputBlock = 32;

/// "bf16", "int8", "mxfp8", "mxfp4": what --activation calls it.
const char* input_codec_name(InputCodec codec);
/// The codec of inputs of weights in `format` when `codec` is asked for. 16- and 32-bit weights have none; four-bit
/// inputs go with four-bit weights alone, as Quark's mixed exports ask.
InputCodec codec_for_weights(InputCodec codec, WeightFormat format);

/// E of a block with the largest absolute value `max_abs`, finite and >= 0; in [-127, 127], -127 for a block of zeros.
int input_exponent(InputCodec codec, float max_abs);
/// Replaces a row's values by the nearest of the grid, ties to even; the last block may be shorter. A block that holds
/// a NaN or an infinity has no scale (E8M0's NaN) and becomes NaN throughout. The readable reference of the kernels.
void quantize_input(InputCodec codec, std::span<float> row);

}  // namespace drawbridge
