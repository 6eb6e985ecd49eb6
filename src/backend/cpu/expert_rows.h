// ExpertRows: the rows of a step sorted by expert, so that each expert's weights are read once a step.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/view.h"

namespace drawbridge {

/// A slot is one of the K experts of one row; slots are numbered t * K + k.
class ExpertRows {
 public:
  /// Sorts the slots of expert i32 [T, K] by expert, keeping the order of rows within one.
  void sort(const View& expert, int64_t n_experts);

  int64_t n_slots() const { return static_cast<int64_t>(token_.size()); }
  /// Experts that have rows, ascending.
  const std::vector<int32_t>& active() const { return active_; }
  int64_t first(int32_t e) const { return first_[static_cast<size_t>(e)]; }
  int64_t n_rows(int32_t e) const { return first(e + 1) - first(e); }
  /// Rows of expert e [n_rows(e)].
  const int32_t* tokens(int32_t e) const { return token_.data() + first(e); }
  /// The slot of each of them: which of its row's K experts this is.
  const int32_t* slots(int32_t e) const { return slot_.data() + first(e); }

 private:
  std::vector<int32_t> first_;  // [n_experts + 1]
  std::vector<int32_t> token_;  // [n_slots] sorted
  std::vector<int32_t> slot_;   // [n_slots] sorted
  std::vector<int32_t> active_;
};

}  // namespace drawbridge
