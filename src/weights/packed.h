// Weights that are not used as they lie in the file: repacked copies, owned here, freed with the model.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/huge_region.h"
#include "base/mapped_file.h"
#include "tensor/matrix.h"

namespace drawbridge {

/// Threads: filled by the loader, read-only afterwards.
class PackedStore {
 public:
  /// Room for `n_bytes`, zeroed, owned by the store.
  void* add(int64_t n_bytes);
  /// The same in huge pages, page-aligned.
  Result<uint8_t*> add_region(int64_t n_bytes);
  /// Keeps `file` mapped as long as the store lives.
  const MappedFile& add_file(MappedFile file);
  /// Takes over what `other` owns.
  void absorb(PackedStore other);
  int64_t bytes() const { return n_bytes_; }

 private:
  std::vector<std::unique_ptr<uint8_t[]>> buffers_;
  std::vector<HugeRegion> regions_;
  std::vector<MappedFile> files_;
  int64_t n_bytes_ = 0;
};

/// kv_b_proj [H * (nope + v), C] cut into what absorbed attention multiplies by (DeepSeek-V2 section 2.1).
struct SplitKvB {
  Matrix k_b;  // [H * C, nope]: head h is W_UK[h] transposed
  Matrix v_b;  // [H * v, C]: head h is W_UV[h]
};

/// Values keep their format, except FP8, whose blocks span heads. Keys are transposed, so scales along a row no longer
/// serve: bf16 where that is exact (bf16, MXFP4), else f32. What was decoded to f32 is FP8's both halves and q8's keys.
SplitKvB split_kv_b(const Matrix& kv_b, int64_t n_heads, int64_t nope, PackedStore& store);

}  // namespace drawbridge
