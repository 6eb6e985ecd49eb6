#include "gguf/ggml_blocks.h"

#include <cmath>
#include <cstring>

#include "tensor/block_codec.h"
#include "tensor/dtype.h"

namespace drawbridge {
namespace {

constexpr size_t kHalf = 16;  // bytes of a block's codes, and elements that share a nibble position

uint8_t ggml_code(const uint8_t* codes, size_t element) {
  return element < kHalf ? codes[element] & 0xf : static_cast<uint8_t>(codes[element - kHalf] >> 4);
}

uint8_t our_code(const uint8_t* pairs, size_t element) {
  const uint8_t pair = pairs[element / 2];
  return element % 2 == 0 ? pair & 0xf : static_cast<uint8_t>(pair >> 4);
}

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

void decode_mxfp4(const std::byte* row, int64_t k, float* out) {
  for (int64_t b = 0; b < k / kGgmlBlock; ++b, row += ggml_block_bytes(GgmlType::kMxfp4)) {
    const float scale = e8m0_to_f32(load<uint8_t>(row));
    const auto* codes = reinterpret_cast<const uint8_t*>(row) + 1;
    for (size_t i = 0; i < kGgmlBlock; ++i) *out++ = e2m1_to_f32(ggml_code(codes, i)) * scale;
  }
}

void decode_q8_0(const std::byte* row, int64_t k, float* out) {
  for (int64_t b = 0; b < k / kGgmlBlock; ++b, row += ggml_block_bytes(GgmlType::kQ8_0)) {
    const float scale = f16_to_f32(load<uint16_t>(row));
    const auto* codes = reinterpret_cast<const int8_t*>(row) + 2;
    for (size_t i = 0; i < kGgmlBlock; ++i) *out++ = static_cast<float>(codes[i]) * scale;
  }
}

template <typename Convert>
void encode_halves(std::span<const float> row, std::byte* out, Convert convert) {
  for (const float value : row) {
    const uint16_t bits = convert(value);
    std::memcpy(out, &bits, sizeof(bits));
    out += sizeof(bits);
  }
}

bool encode_f16(std::span<const float> row, std::byte* out) {
  constexpr float kEnd = 65520.0f;  // rounds to infinity from here on
  for (const float value : row) {
    if (std::isfinite(value) && std::fabs(value) >= kEnd) return false;
  }
  encode_halves(row, out, f32_to_f16);
  return true;
}

using Block = std::span<const float, kGgmlBlock>;

void encode_mxfp4(Block block, float largest, std::byte* out) {
  uint8_t pairs[kGgmlBlock / 2];
  const int exponent = mxfp4_exponent(largest, ScaleRule::kEven);
  encode_mxfp4_block(block, exponent, pairs);
  pack_mxfp4_block(pairs, static_cast<uint8_t>(exponent + 127), out);
}

void encode_q8_0(Block block, std::byte* out) {
  int8_t codes[kGgmlBlock];
  const uint16_t scale = encode_q8_block(block, codes);
  pack_q8_0_block(codes, scale, out);
}

bool encode_blocks(GgmlType type, std::span<const float> row, std::byte* out) {
  for (size_t at = 0; at < row.size(); at += kGgmlBlock, out += ggml_block_bytes(type)) {
    const Block block = row.subspan(at).first<kGgmlBlock>();
    const float largest = max_abs(block);
    if (!std::isfinite(largest) || (type == GgmlType::kQ8_0 && largest > kLargestQ8)) return false;
    if (type == GgmlType::kMxfp4) {
      encode_mxfp4(block, largest, out);
    } else {
      encode_q8_0(block, out);
    }
  }
  return true;
}

}  // namespace

uint8_t unpack_mxfp4_block(const std::byte* block, uint8_t* pairs) {
  const auto* codes = reinterpret_cast<const uint8_t*>(block) + 1;
  for (size_t j = 0; j < kHalf; ++j) {
    pairs[j] = static_cast<uint8_t>(ggml_code(codes, 2 * j) | (ggml_code(codes, 2 * j + 1) << 4));
  }
  return load<uint8_t>(block);
}

void pack_mxfp4_block(const uint8_t* pairs, uint8_t scale, std::byte* block) {
  block[0] = static_cast<std::byte>(scale);
  for (size_t j = 0; j < kHalf; ++j) {
    block[1 + j] = static_cast<std::byte>(our_code(pairs, j) | (our_code(pairs, j + kHalf) << 4));
  }
}

void pack_q8_0_block(const int8_t* codes, uint16_t scale, std::byte* block) {
  std::memcpy(block, &scale, sizeof(scale));
  std::memcpy(block + sizeof(scale), codes, kGgmlBlock);
}

bool encode_ggml_row(GgmlType type, std::span<const float> row, std::byte* out) {
  switch (type) {
    case GgmlType::kF32:
      std::memcpy(out, row.data(), row.size_bytes());
      return true;
    case GgmlType::kF16:
      return encode_f16(row, out);
    case GgmlType::kBF16:
      encode_halves(row, out, f32_to_bf16);
      return true;
    case GgmlType::kQ8_0:
    case GgmlType::kMxfp4:
      return encode_blocks(type, row, out);
  }
  return false;
}

void decode_ggml_row(GgmlType type, const std::byte* row, int64_t k, float* out) {
  switch (type) {
    case GgmlType::kF32:
      std::memcpy(out, row, static_cast<size_t>(k) * sizeof(float));
      return;
    case GgmlType::kF16:
      for (int64_t i = 0; i < k; ++i) out[i] = f16_to_f32(load<uint16_t>(row + 2 * i));
      return;
    case GgmlType::kBF16:
      for (int64_t i = 0; i < k; ++i) out[i] = bf16_to_f32(load<uint16_t>(row + 2 * i));
      return;
    case GgmlType::kQ8_0:
      return decode_q8_0(row, k, out);
    case GgmlType::kMxfp4:
      return decode_mxfp4(row, k, out);
  }
}

}  // namespace drawbridge
