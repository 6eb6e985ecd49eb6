// Random weights in memory, in the order in which the backend reads them, as often as it takes to outgrow the caches:
// a step reads each matrix once, from memory.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"

namespace drawbridge {

/// A matrix in rows whose values are spread as those of a trained layer of this width.
struct RandomMatrix {
  Matrix matrix;
  Buffer data, scale;
};
Result<RandomMatrix> draw_matrix(Backend& backend, WeightFormat format, int64_t n, int64_t k, uint64_t seed);

/// The same matrix at several places.
class MatrixCopies {
 public:
  /// At least `n_copies`, and enough to outgrow the caches.
  static Result<MatrixCopies> create(Backend& backend, const Matrix& rows, int64_t n_copies = 1);

  int64_t size() const { return static_cast<int64_t>(copies_.size()); }
  const Matrix& at(int64_t turn) const { return copies_[static_cast<size_t>(turn % size())]; }

 private:
  Status add(Backend& backend, const Matrix& rows);

  std::vector<Buffer> buffers_;
  std::vector<Matrix> copies_;
};

/// How many things of `bytes` each are read in turn so that none is still in a cache when its turn comes.
int64_t copies_beyond_caches(int64_t bytes);

}  // namespace drawbridge
