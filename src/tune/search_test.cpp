#include "tune/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace drawbridge {
namespace {

using Times = std::vector<std::optional<double>>;

constexpr ProductKey kKey{ProductStage::kLinear, WeightFormat::kMxfp4, PanelInput::kBf16, 512, 1024, 0, 0};

/// Microseconds of a machine that likes 12 columns, strips of 8 and unpacking once.
double pretended_us(const TilePlan& plan) {
  return 100 + 5 * std::abs(plan.columns - 12) + 3 * std::abs(plan.strip - 8) + (plan.expand ? 0 : 20);
}

TEST(SearchPlans, FindsTheBestOfEachCoordinateAndKeepsEveryTime) {
  const auto found = search_plans(kKey, 512, [](std::span<const TilePlan> plans) -> Result<Times> {
    Times us;
    for (const TilePlan& plan : plans) us.push_back(pretended_us(plan));
    return us;
  });
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->plan, (TilePlan{12, true, 8}));
  EXPECT_EQ(found->us, 100);
  EXPECT_EQ(found->default_us, pretended_us(default_plan(kKey, 512)));
  EXPECT_GE(found->candidates.size(), 12u);
  for (const TunedCandidate& candidate : found->candidates) EXPECT_EQ(candidate.us, pretended_us(candidate.plan));
}

TEST(SearchPlans, NeverTakesAPlanThatGaveOtherBitsAndSaysSo) {
  const auto found = search_plans(kKey, 512, [](std::span<const TilePlan> plans) -> Result<Times> {
    Times us;
    for (const TilePlan& plan : plans)
      us.push_back(plan.columns == 12 ? std::nullopt : std::optional(pretended_us(plan)));
    return us;
  });
  ASSERT_TRUE(found.ok());
  EXPECT_NE(found->plan.columns, 12);
  const auto n_refused =
      std::count_if(found->candidates.begin(), found->candidates.end(), [](const TunedCandidate& c) { return !c.us; });
  EXPECT_EQ(n_refused, 1);
}

TEST(SearchPlans, KeepsTheDefaultWhenABetterOneDoesNotWinTwice) {
  int turn = 0;
  const auto found = search_plans(kKey, 512, [&](std::span<const TilePlan> plans) -> Result<Times> {
    Times us(plans.size(), 100.0);
    if (turn++ == 0) us.back() = 50.0;  // by luck
    return us;
  });
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->plan, default_plan(kKey, 512));
  EXPECT_EQ(found->us, found->default_us);
}

TEST(SearchPlans, TriesNoPlanThatTheKernelsWouldCut) {
  TileLimits limits;
  limits.max_columns.fill(2);
  for (auto& of_input : limits.can_expand) of_input.fill(false);
  const auto time = [](std::span<const TilePlan> plans) -> Result<Times> { return Times(plans.size(), 100.0); };
  const auto found = search_plans(kKey, 512, time, limits);
  ASSERT_TRUE(found.ok());
  for (const TunedCandidate& candidate : found->candidates) {
    EXPECT_LE(candidate.plan.columns, 2);
    EXPECT_FALSE(candidate.plan.expand);
  }
}

TEST(SearchPlans, StopsWhenMeasuringStops) {
  const auto found = search_plans(
      kKey, 8, [](std::span<const TilePlan>) -> Result<Times> { return fail(Code::kCancelled, "stopped"); });
  EXPECT_EQ(found.status().code(), Code::kCancelled);
}

TEST(PlanSweeps, LeaveOutWhatCutsNoDifferently) {
  const ProductKey narrow{ProductStage::kLinear, WeightFormat::kMxfp4, PanelInput::kBf16, 32, 64, 0, 0};
  const auto sweeps = plan_sweeps(narrow, 1, {1, false, 2});
  EXPECT_TRUE(sweeps[0].empty()) << "one token fills one column";
  EXPECT_TRUE(sweeps[1].empty()) << "one tile unpacks once anyhow";
  EXPECT_THAT(sweeps[2], testing::ElementsAre(TilePlan{1, false, 1})) << "two panels";
}

}  // namespace
}  // namespace drawbridge
