#include "backend/cpu/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include "backend/cpu/cpu_features.h"
#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

TEST(Select, LargestFollowTheTieRule) {
  const std::vector<float> score = {1, 3, 3, NAN, 2};
  EXPECT_EQ(largest_indices(score, 3), (std::vector<int32_t>{1, 2, 4}));
  EXPECT_EQ(largest_indices(std::vector<float>{0, 0, 0}, 2), (std::vector<int32_t>{0, 1}));
}

TEST(Select, GroupsAreRankedByTheirBestTwo) {
  // Group 0 has the best single expert, group 1 the best pair.
  const std::vector<float> biased = {9, 0, 6, 5};
  EXPECT_EQ(choose_experts(biased, 1, 2, 1), std::vector<int32_t>{2});
  EXPECT_EQ(choose_experts(biased, 1, 2, 2), std::vector<int32_t>{0});
}

/// The functions to be held against largest_indices, each with its work space.
using Chooser = std::function<void(std::span<const float>, std::span<int32_t>)>;
std::vector<Chooser> choosers() {
  std::vector<Chooser> all = {[](std::span<const float> score, std::span<int32_t> out) {
    std::vector<uint32_t> scratch;
    largest_positions(score, out, scratch);
  }};
#if defined(__x86_64__)
  const auto usable = usable_isas(detect_cpu_features());
  if (std::find(usable.begin(), usable.end(), "avx512") != usable.end()) {
    all.emplace_back([](std::span<const float> score, std::span<int32_t> out) {
      if (out.empty()) return;
      std::vector<uint32_t> work(2 * score.size() + kSelectMargin);
      avx512_kernels().largest_positions({score.data(), static_cast<int64_t>(score.size()), out.data(),
                                          static_cast<int64_t>(out.size()), work.data()});
    });
  }
#endif
  return all;
}

void expect_sorted_indices(const std::vector<float>& score, size_t count) {
  auto wanted = largest_indices(score, static_cast<int64_t>(count));
  std::sort(wanted.begin(), wanted.end());
  for (const Chooser& choose : choosers()) {
    std::vector<int32_t> found(count + 1, -7);
    choose(score, std::span(found).first(count));
    ASSERT_EQ(found.back(), -7) << "wrote past the end";
    found.pop_back();
    ASSERT_EQ(found, wanted) << score.size() << " scores, count " << count;
  }
}

/// Among few distinct values, both zeros, infinities and NaN: mostly ties.
TEST(Select, PositionsAreTheSortedIndices) {
  constexpr float kValues[] = {-2, -0.0f, 0, 1e-40f, -1e-40f, 1, INFINITY, -INFINITY, NAN};
  std::mt19937 draw(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> score(1 + draw() % 60);
    for (float& s : score) s = kValues[draw() % std::size(kValues)];
    for (size_t count = 0; count <= score.size(); ++count) expect_sorted_indices(score, count);
  }
}

/// Many scores, as the indexer has them: spread over all sizes, one size with a lump of zeros, all alike.
TEST(Select, PositionsAreTheSortedIndicesOfMany) {
  std::mt19937 draw(2);
  std::normal_distribution<float> normal;
  const std::function<float()> kinds[] = {
      [&] { return std::ldexp(normal(draw), static_cast<int>(draw() % 200) - 100); },
      [&] { return std::max(0.0f, normal(draw)); }, [] { return 0.25f; },
      [&] { return static_cast<float>(draw() % 5); }};
  for (const auto& kind : kinds) {
    for (const size_t n : {100, 4097, 20000}) {
      std::vector<float> score(n);
      for (float& s : score) s = kind();
      for (const size_t count : {size_t{1}, n / 10, n / 2, n - 1, n}) expect_sorted_indices(score, count);
    }
  }
}

}  // namespace
}  // namespace drawbridge
