// Arithmetic on sizes: what cannot wrap is for every count, shape and offset that comes from a file or a request.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace drawbridge {

inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// Product of all factors (1 for none), or nothing on overflow.
inline std::optional<uint64_t> checked_product(std::span<const uint64_t> factors) {
  std::optional<uint64_t> product = 1;
  for (uint64_t factor : factors) {
    product = checked_mul(*product, factor);
    if (!product) return std::nullopt;
  }
  return product;
}

/// How many blocks of b >= 1 hold a >= 0.
inline int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace drawbridge
