// KeyReader: where a thread finds the keys of a chunk. bf16 and f32 rows are read where they lie; fp8 rows are decoded
// once for all heads and all tokens whose chunks hold the same keys, as neighbours in a dense context do.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/scratch.h"
#include "tensor/paged.h"

namespace drawbridge {

/// What the keys of an op are and what becomes of them.
struct KeySource {
  const PagedView& cache;
  const RowMap& map;
  const AttentionKernels& kernels;
  bool round = false;  // fp8 rows are decoded to bf16 instead of f32

  bool is_fp8() const { return cache.format.n_fp8 > 0; }
  bool is_bf16() const { return is_fp8() ? round : cache.format.layout == KvLayout::kBF16; }
};

class KeyReader {
 public:
  /// Before the first chunk of an op: what was decoded may have been overwritten in the cache.
  void start() { decoded_from_.clear(); }
  /// Keys at position[0 .. n) of row t's request. Valid until the next call.
  KeyRows at(const KeySource& source, int64_t t, const int32_t* position, int64_t n);
  /// Keys at positions first .. first + n.
  KeyRows range(const KeySource& source, int64_t t, int64_t first, int64_t n);

 private:
  KeyRows rows(const KeySource& source, int64_t n);

  const void* row_[kKeyChunk];
  std::vector<const void*> decoded_from_;  // the cache's row at each place of decoded_
  Scratch decoded_;                        // [kKeyChunk, width rounded up]
};

}  // namespace drawbridge
