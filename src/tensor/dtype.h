// Element types of stored tensors, and exact conversions to and from f32.
// Source: IEEE 754; OCP 8-bit floating point (OFP8) rev. 1.0 for E4M3; OCP microscaling formats (MX) v1.0 for E8M0,
// E2M1.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace drawbridge {

enum class DType : uint8_t { kF32, kF16, kBF16, kF8E4M3, kU8, kI8, kI32, kI64, kBool, kF64 };

/// Bytes of one element.
int64_t dtype_bytes(DType dtype);
/// safetensors spelling: "F32", "BF16", "F8_E4M3", "U8", ...
const char* dtype_name(DType dtype);
/// The reverse of dtype_name; nothing for a spelling that is unknown to us.
std::optional<DType> dtype_from_name(std::string_view name);

inline float bf16_to_f32(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// Round to nearest, ties to even; NaN stays NaN.
inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// `value` rounded to the bf16 grid, kept as f32.
inline float round_to_bf16(float value) {
  return bf16_to_f32(f32_to_bf16(value));
}

float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);

/// OCP E4M3 "fn": no infinities, 0x7f and 0xff are NaN, largest value 448.
float e4m3_to_f32(uint8_t bits);
/// Nearest E4M3, ties to even, saturating at 448; NaN stays NaN (0x7f).
uint8_t f32_to_e4m3(float value);

/// E8M0 block scale: 2^(byte - 127). Byte 255 is NaN and must be refused when a file is loaded.
inline float e8m0_to_f32(uint8_t bits) {
  return std::ldexp(1.0f, static_cast<int>(bits) - 127);
}

/// E2M1 code (4 bits, sign in bit 3): 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
float e2m1_to_f32(uint8_t code);
/// Nearest E2M1 code, ties to the even code, saturating at 6, sign kept (-0 included). `value` is not NaN.
uint8_t f32_to_e2m1(float value);

}  // namespace drawbridge
