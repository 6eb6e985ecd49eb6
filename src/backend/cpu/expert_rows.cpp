#include "backend/cpu/expert_rows.h"

namespace drawbridge {

void ExpertRows::sort(const View& expert, int64_t n_experts) {
  DB_CHECK(expert.rank == 2 && expert.dtype == DType::kI32);
  const int64_t n_chosen = expert.cols(), n_rows = expert.dim(0);
  const auto expert_of = [&](int64_t t, int64_t k) { return expert.as<int32_t>()[t * expert.stride[0] + k]; };
  first_.assign(static_cast<size_t>(n_experts) + 1, 0);
  for (int64_t t = 0; t < n_rows; ++t) {
    for (int64_t k = 0; k < n_chosen; ++k) {
      const int32_t e = expert_of(t, k);
      DB_CHECK(e >= 0 && e < n_experts);
      ++first_[static_cast<size_t>(e) + 1];
    }
  }
  active_.clear();
  for (size_t e = 0; e + 1 < first_.size(); ++e) {
    if (first_[e + 1] > 0) active_.push_back(static_cast<int32_t>(e));
    first_[e + 1] += first_[e];
  }
  token_.resize(static_cast<size_t>(n_rows * n_chosen));
  slot_.resize(token_.size());
  std::vector<int32_t> next = first_;
  for (int64_t t = 0; t < n_rows; ++t) {
    for (int64_t k = 0; k < n_chosen; ++k) {
      const auto place = static_cast<size_t>(next[static_cast<size_t>(expert_of(t, k))]++);
      token_[place] = static_cast<int32_t>(t);
      slot_[place] = static_cast<int32_t>(t * n_chosen + k);
    }
  }
}

}  // namespace drawbridge
