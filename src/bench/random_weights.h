// Random weights in memory, in the order in which the backend reads them, as often as it takes to outgrow the caches:
// a step reads each matrix once, from memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "weights/packed.h"

namespace drawbridge {

/// A matrix in rows in `store`, its values spread as those of a trained layer of this width.
Matrix draw_matrix(WeightFormat format, int64_t n, int64_t k, PackedStore& store);

/// How many things of `bytes` each must be read in turn, so that they make up `footprint` bytes before the first comes
/// again.
int64_t copies_for(int64_t footprint, int64_t bytes);

struct CopyOptions {
  int64_t n_copies = 1;
  bool allow_panels = true;  // false: in rows, whatever the backend prefers
};

/// The same matrix at several places, packed as the engine packs a model's.
class MatrixCopies {
 public:
  /// `rows` may go afterwards.
  static Result<MatrixCopies> create(const Backend& backend, const Matrix& rows, const CopyOptions& options);

  int64_t size() const { return static_cast<int64_t>(copies_.size()); }
  const Matrix& at(int64_t turn) const { return copies_[static_cast<size_t>(turn % size())]; }

 private:
  Status copy_rows();

  std::unique_ptr<PackedStore> store_ = std::make_unique<PackedStore>();
  std::vector<Matrix> copies_;
};

}  // namespace drawbridge
