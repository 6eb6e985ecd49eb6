#include "weights/compact.h"

#include <algorithm>
#include <vector>

namespace drawbridge {
namespace {

constexpr int kBias = 127;
constexpr int kTop = 2;  // E2M1's largest exponent

int exponent_of(uint16_t bf16) {
  return (bf16 >> 7) & 0xff;
}

/// The code of a bf16 number as E2M1 times 2^(scale - 127); -1 if there is none. E2M1 has one bit of mantissa,
/// exponents 0 to 2, and 0.5 below them.
int code_of(uint16_t bf16, int scale) {
  const int sign = bf16 >> 15 << 3, mantissa = bf16 & 0x7f;
  if ((bf16 & 0x7fff) == 0) return sign;
  const int exponent = exponent_of(bf16) - scale;
  if (exponent == -1 && mantissa == 0) return sign | 1;
  if (exponent < 0 || exponent > kTop || (mantissa & 0x3f) != 0) return -1;
  return sign | (2 + 2 * exponent + (mantissa >> 6));
}

/// Codes and scale of a block whose largest number gets the largest exponent, so that all others find room below it.
bool encode_block(const uint16_t* block, uint8_t* codes, uint8_t& scale) {
  int top = 0;
  for (int64_t i = 0; i < kMxfp4Block; ++i) top = std::max(top, exponent_of(block[i]));
  const int byte = top == 0 ? kBias : top - kTop;
  if (byte < 1 || top == 0xff) return false;  // a subnormal scale, an infinity
  for (int64_t i = 0; i < kMxfp4Block; i += 2) {
    const int low = code_of(block[i], byte), high = code_of(block[i + 1], byte);
    if (low < 0 || high < 0) return false;
    codes[i / 2] = static_cast<uint8_t>(low | high << 4);
  }
  scale = static_cast<uint8_t>(byte);
  return true;
}

}  // namespace

std::optional<Matrix> as_mxfp4(const Matrix& w, PackedStore& store) {
  if (w.format != WeightFormat::kBF16 || w.order != RowOrder::kRows || w.k % kMxfp4Block != 0) return std::nullopt;
  const int64_t n_blocks = w.n * w.k / kMxfp4Block;
  std::vector<uint8_t> codes(static_cast<size_t>(n_blocks * kMxfp4Block / 2)), scales(static_cast<size_t>(n_blocks));
  const auto* const values = static_cast<const uint16_t*>(w.data);
  for (int64_t b = 0; b < n_blocks; ++b) {
    if (!encode_block(values + b * kMxfp4Block, codes.data() + b * kMxfp4Block / 2, scales[static_cast<size_t>(b)])) {
      return std::nullopt;
    }
  }
  auto* const data = static_cast<uint8_t*>(store.add(static_cast<int64_t>(codes.size())));
  auto* const scale = static_cast<uint8_t*>(store.add(n_blocks));
  std::copy(codes.begin(), codes.end(), data);
  std::copy(scales.begin(), scales.end(), scale);
  return Matrix{WeightFormat::kMxfp4, w.n, w.k, data, scale};
}

SplitKvB absorbed_kv_b(const Matrix& kv_b, int64_t n_heads, int64_t nope, PackedStore& store) {
  PackedStore halves;
  const SplitKvB split = split_kv_b(kv_b, n_heads, nope, halves);
  const auto k_b = as_mxfp4(split.k_b, store), v_b = as_mxfp4(split.v_b, store);
  if (!k_b || !v_b) store.absorb(std::move(halves));
  return {k_b.value_or(split.k_b), v_b.value_or(split.v_b)};
}

}  // namespace drawbridge
