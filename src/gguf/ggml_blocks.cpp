#include "gguf/ggml_blocks.h"

#include <cstring>

#include "base/check.h"
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
