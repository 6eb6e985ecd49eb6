// ggml's block types against ours: the same numbers, stored in another order.
//   MXFP4  17 bytes: E8M0 scale, then 16 bytes; the low nibble of byte j is element j, the high one element j + 16
//          (ours: scales apart, elements 2j and 2j + 1 in byte j)
//   Q8_0   34 bytes: f16 scale, then 32 int8 (ours: scales apart)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gguf/ggml_type.h"

namespace drawbridge {

inline constexpr int64_t kGgmlBlock = 32;  // elements of an MXFP4 or Q8_0 block

/// One MXFP4 block to 16 bytes of our pairs; returns its scale.
uint8_t unpack_mxfp4_block(const std::byte* block, uint8_t* pairs);
/// The reverse.
void pack_mxfp4_block(const uint8_t* pairs, uint8_t scale, std::byte* block);

/// One Q8_0 block of 32 int8 and the bits of their f16 scale.
void pack_q8_0_block(const int8_t* codes, uint16_t scale, std::byte* block);

/// Decodes a row of `k` elements of any type to f32: exact, but for MXFP4 scales beyond f32.
void decode_ggml_row(GgmlType type, const std::byte* row, int64_t k, float* out);
/// Rounds a row to any type: to nearest, MXFP4 with AMD Quark's rule for the scale. False where that would lose a value
/// altogether: one that is not finite in a block type, or one that f16 cannot hold.
bool encode_ggml_row(GgmlType type, std::span<const float> row, std::byte* out);

}  // namespace drawbridge
