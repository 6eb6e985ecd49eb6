// Weights that are not used as they lie in the file: repacked copies, owned here, freed with the model.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tensor/matrix.h"

namespace drawbridge {

/// Threads: filled by the loader, read-only afterwards.
class PackedStore {
 public:
  /// Room for `n_bytes`, zeroed, owned by the store.
  void* add(int64_t n_bytes);
  int64_t bytes() const { return n_bytes_; }

 private:
  std::vector<std::unique_ptr<uint8_t[]>> buffers_;
  int64_t n_bytes_ = 0;
};

/// kv_b_proj [H * (nope + v), C] cut into what absorbed attention multiplies by (DeepSeek-V2 section 2.1).
struct SplitKvB {
  Matrix k_b;  // [H * C, nope]: head h is W_UK[h] transposed
  Matrix v_b;  // [H * v, C]: head h is W_UV[h]
};

/// Decodes the whole matrix first (FP8 blocks span heads), then splits. bf16 stays bf16, anything else becomes f32.
SplitKvB split_kv_b(const Matrix& kv_b, int64_t n_heads, int64_t nope, PackedStore& store);

}  // namespace drawbridge
