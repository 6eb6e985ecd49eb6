// Access to one token's row in a paged cache of f32 or bf16, shared by the CPU backends' attention and index ops.
#pragma once

#include <cstring>

#include "tensor/paged.h"

namespace drawbridge {

/// Copies slot `slot` of `cache` to f32 `out` [width].
inline void read_slot(const PagedView& cache, int64_t slot, float* out) {
  if (cache.dtype == DType::kF32) {
    const auto* row = static_cast<const float*>(cache.data) + slot * cache.width;
    std::memcpy(out, row, static_cast<size_t>(cache.width) * sizeof(float));
    return;
  }
  const auto* row = static_cast<const uint16_t*>(cache.data) + slot * cache.width;
  for (int64_t i = 0; i < cache.width; ++i) out[i] = bf16_to_f32(row[i]);
}

/// Stores f32 `in` [width] in slot `slot`, rounded to the cache's dtype.
inline void write_slot(const PagedView& cache, int64_t slot, const float* in) {
  if (cache.dtype == DType::kF32) {
    auto* row = static_cast<float*>(cache.data) + slot * cache.width;
    std::memcpy(row, in, static_cast<size_t>(cache.width) * sizeof(float));
    return;
  }
  auto* row = static_cast<uint16_t*>(cache.data) + slot * cache.width;
  for (int64_t i = 0; i < cache.width; ++i) row[i] = f32_to_bf16(in[i]);
}

}  // namespace drawbridge
