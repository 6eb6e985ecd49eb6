#include "backend/cpu/select.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace drawbridge {

std::vector<int32_t> largest_indices(std::span<const float> score, int64_t count) {
  DB_CHECK(count >= 0 && count <= static_cast<int64_t>(score.size()));
  std::vector<int32_t> order(score.size());
  std::iota(order.begin(), order.end(), 0);
  const auto rank = [&](int32_t i) {
    const float value = score[static_cast<size_t>(i)];
    return std::isnan(value) ? -std::numeric_limits<float>::infinity() : value;
  };
  const auto better = [&](int32_t a, int32_t b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a < b; };
  std::partial_sort(order.begin(), order.begin() + count, order.end(), better);
  order.resize(static_cast<size_t>(count));
  return order;
}

std::vector<int32_t> choose_experts(std::span<const float> biased, int64_t n_chosen, int64_t n_group,
                                    int64_t topk_group) {
  const auto width = biased.size() / static_cast<size_t>(n_group);
  std::vector<float> allowed(biased.begin(), biased.end());
  if (topk_group < n_group) {
    std::vector<float> group_score;
    for (size_t g = 0; g < static_cast<size_t>(n_group); ++g) {
      const auto group = biased.subspan(g * width, width);
      const auto best = largest_indices(group, 2);
      group_score.push_back(group[static_cast<size_t>(best[0])] + group[static_cast<size_t>(best[1])]);
    }
    std::fill(allowed.begin(), allowed.end(), -std::numeric_limits<float>::infinity());
    for (const int32_t g : largest_indices(group_score, topk_group)) {
      const auto from = static_cast<size_t>(g) * width;
      std::copy_n(biased.begin() + static_cast<std::ptrdiff_t>(from), width,
                  allowed.begin() + static_cast<std::ptrdiff_t>(from));
    }
  }
  return largest_indices(allowed, n_chosen);
}

}  // namespace drawbridge
