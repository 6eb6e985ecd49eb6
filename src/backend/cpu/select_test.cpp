#include "backend/cpu/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

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

/// Among few distinct values, both zeros, infinities and NaN: mostly ties.
TEST(Select, PositionsAreTheSortedIndices) {
  constexpr float kValues[] = {-2, -0.0f, 0, 1e-40f, -1e-40f, 1, INFINITY, -INFINITY, NAN};
  std::mt19937 draw(1);
  std::vector<uint32_t> scratch;
  for (int round = 0; round < 500; ++round) {
    std::vector<float> score(1 + draw() % 60);
    for (float& s : score) s = kValues[draw() % std::size(kValues)];
    for (size_t count = 0; count <= score.size(); ++count) {
      auto wanted = largest_indices(score, static_cast<int64_t>(count));
      std::sort(wanted.begin(), wanted.end());
      std::vector<int32_t> found(count, -7);
      largest_positions(score, found, scratch);
      ASSERT_EQ(found, wanted) << "round " << round << " count " << count;
    }
  }
}

}  // namespace
}  // namespace drawbridge
