#include "backend/cpu/select.h"

#include <algorithm>
#include <array>
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
  const auto bits = score != score ? 0xff800000u : std::bit_cast<uint32_t>(score + 0.0f);
  const uint32_t sign = (bits >> 31) * 0xffffffffu;
  return bits ^ (sign | 0x80000000u);
}

struct Threshold {
  uint32_t value = 0;   // the k-th largest
  size_t n_larger = 0;  // than that
};

/// The k-th largest of `order`, all in [low, high]. One counting pass over evenly spaced buckets leaves few of
/// thousands to be partitioned. `candidates` has room for one more than there are.
Threshold kth_largest(std::span<const uint32_t> order, uint32_t low, uint32_t high, size_t k, uint32_t* candidates) {
  constexpr int kBucketBits = 11;
  const int shift = std::max(static_cast<int>(std::bit_width(high - low)) - kBucketBits, 0);
  const auto bucket = [shift, low](uint32_t v) { return (v - low) >> shift; };
  std::array<std::array<uint32_t, size_t{1} << kBucketBits>, 2> count = {};  // two, so that neighbours do not wait
  for (size_t i = 0; i < order.size(); ++i) ++count[i % 2][bucket(order[i])];
  uint32_t own = bucket(high);
  size_t n_larger = 0;
  for (; n_larger + count[0][own] + count[1][own] < k; --own) n_larger += count[0][own] + count[1][own];
  size_t n = 0;
  for (const uint32_t v : order) {
    candidates[n] = v;
    n += bucket(v) == own ? 1 : 0;
  }
  uint32_t* const place = candidates + (k - n_larger - 1);
  std::nth_element(candidates, place, candidates + n, std::greater<>());
  const auto is_larger = [value = *place](uint32_t v) { return v > value; };
  return {*place, n_larger + static_cast<size_t>(std::count_if(candidates, place, is_larger))};
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
  scratch.resize(2 * score.size() + 1);
  uint32_t low = std::numeric_limits<uint32_t>::max(), high = 0;
  for (size_t i = 0; i < score.size(); ++i) {
    scratch[i] = order_of(score[i]);
    low = std::min(low, scratch[i]);
    high = std::max(high, scratch[i]);
  }
  const std::span<const uint32_t> order(scratch.data(), score.size());
  const Threshold least = kth_largest(order, low, high, out.size(), scratch.data() + score.size());
  // Equals of the least chosen one fill the places that larger ones leave, from the front.
  auto n_equal = static_cast<std::ptrdiff_t>(out.size() - least.n_larger);
  size_t n = 0;
  for (size_t i = 0; n < out.size(); ++i) {
    const bool is_equal = order[i] == least.value;
    out[n] = static_cast<int32_t>(i);
    n += static_cast<size_t>(order[i] > least.value) + static_cast<size_t>(is_equal && n_equal > 0);
    n_equal -= is_equal ? 1 : 0;
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
