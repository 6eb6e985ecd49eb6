#include "backend/cpu/select.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace drawbridge {
namespace {

/// A number that orders as the score does: NaN as minus infinity, both zeros alike.
uint32_t order_of(float score) {
  const float value = std::isnan(score) ? -std::numeric_limits<float>::infinity() : score + 0.0f;
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

}  // namespace

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

void largest_positions(std::span<const float> score, std::span<int32_t> out, std::vector<uint32_t>& scratch) {
  DB_CHECK(out.size() <= score.size());
  if (out.empty()) return;
  scratch.resize(score.size());
  std::transform(score.begin(), score.end(), scratch.begin(), order_of);
  const auto last = scratch.begin() + static_cast<std::ptrdiff_t>(out.size()) - 1;
  std::nth_element(scratch.begin(), last, scratch.end(), std::greater<>());
  const uint32_t least = *last;
  // Equals of the least chosen one fill the places that larger ones leave, from the front.
  auto n_equal = std::count(scratch.begin(), last + 1, least);
  size_t n = 0;
  for (size_t i = 0; n < out.size(); ++i) {
    const uint32_t order = order_of(score[i]);
    if (order > least || (order == least && n_equal-- > 0)) out[n++] = static_cast<int32_t>(i);
  }
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
