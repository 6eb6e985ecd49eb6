#include "cost/run_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost/arm.h"
#include "cost/break_even.h"
#include "cost/sensitivity.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

const Provenance kList{"list", "2026-09-19", "list", ""};
const TokenWeights kWeights{0.25, 4};

/// An hour of the published workload on eight MI355X.
BenchFigures published() {
  BenchFigures run;
  run.name = "published";
  run.duration_s = 3600;
  run.n_requests = 2.4 * 3600;
  run.input_tokens = 20000 * run.n_requests;
  run.cached_tokens = 0.6 * run.input_tokens;
  run.output_tokens = 1000 * run.n_requests;
  return run;
}

const Rental kNode{"MI355X", 1, 8, "neocloud-list", {2.95, kList}};

TEST(RunCost, OfThePublishedNode) {
  const RunCost cost = cost_of_run(published(), kNode, {kWeights, ""}, 1);
  EXPECT_NEAR(cost.busy.dollars, 23.6, 1e-9);
  EXPECT_NEAR(cost.busy.per_million_output, 2.73, 0.005);
  EXPECT_NEAR(cost.busy.per_million_any, 2.73 / 21, 0.0005);
  EXPECT_NEAR(cost.busy.per_request, 0.00273, 5e-6);
  EXPECT_EQ(cost.reserved.dollars, cost.busy.dollars);
}

TEST(RunCost, ReservedPaysForIdleHoursAndBusyDoesNot) {
  BenchFigures run = published();
  run.busy = PhaseSeconds{1000, 800};
  const RunCost cost = cost_of_run(run, kNode, {kWeights, ""}, 0.5);
  EXPECT_NEAR(cost.busy.dollars, 11.8, 1e-9);
  EXPECT_NEAR(cost.reserved.dollars, 47.2, 1e-9);
  EXPECT_NEAR(cost.reserved.per_million.output.value(), 4 * cost.busy.per_million.output.value(), 1e-9);
}

TEST(RunCost, NodesAndAcceleratorsMultiplyThePrice) {
  Rental two = kNode;
  two.n_nodes = 2;
  EXPECT_NEAR(two.total_per_hour(), 47.2, 1e-9);
}

TEST(RunCost, UtilizationIsAShare) {
  EXPECT_TRUE(check_utilization(1).ok());
  for (const double wrong : {0.0, -0.1, 1.01}) {
    EXPECT_THAT(check_utilization(wrong).message(), HasSubstr("wanted a share above 0 and at most 1")) << wrong;
  }
}

TEST(EnergyUse, ByTheBoardsPower) {
  const auto use = energy_of_run(published(), kNode, Figure{1400, kList});
  ASSERT_TRUE(use);
  EXPECT_NEAR(use->kilowatts, 11.2, 1e-12);
  EXPECT_NEAR(use->output_per_kilojoule, 214, 0.5);
  EXPECT_FALSE(energy_of_run(published(), kNode, std::nullopt));
}

TEST(BreakEven, AgainstTheListPriceOfTheModelsMaker) {
  const ApiPrice price{"z.ai", {1.40, kList}, Figure{0.26, kList}, {4.40, kList}};
  const BreakEven b = break_even(published(), kNode, price);
  EXPECT_NEAR(b.revenue_per_request, 0.0187, 5e-5);
  EXPECT_NEAR(b.revenue_per_hour, 162, 0.5);
  EXPECT_NEAR(b.utilization, 23.6 / 161.7, 0.001);
  EXPECT_NEAR(b.requests_per_second, 2.4 * b.utilization, 1e-9);
}

TEST(BreakEven, CachedInputWithoutAPriceOfItsOwnCostsAsOtherInput) {
  const ApiPrice price{"p", {1.40, kList}, std::nullopt, {4.40, kList}};
  EXPECT_NEAR(break_even(published(), kNode, price).revenue_per_request, (20000 * 1.40 + 1000 * 4.40) / 1e6, 1e-12);
}

// The rates of requests at other cache hits of a model of this node's kernels (prefill 68 % and decode 32 % of the time
// at 60 % hits), which counts what a token's time does depend on.
TEST(Sensitivity, FollowsAModelOfTheKernelsWithinEightPercent) {
  BenchFigures run = published();
  run.n_requests = 2.36 * 3600;
  run.input_tokens = 20000 * run.n_requests;
  run.cached_tokens = 0.6 * run.input_tokens;
  run.output_tokens = 1000 * run.n_requests;
  const auto attribution = attribution_by_seconds({0.68 * 3600, 0.32 * 3600}, run.tokens());
  ASSERT_TRUE(attribution.ok());
  const std::vector<double> shares = {0, 0.3, 0.6, 0.8, 0.9, 0.95};
  const std::vector<double> kernels = {1.23, 1.60, 2.36, 3.47, 4.56, 5.42};
  const Sensitivity s = cost_sensitivity(run, kNode, *attribution, shares, {1, 0.5});
  for (size_t i = 0; i < shares.size(); ++i) {
    EXPECT_NEAR(s.rows[i].requests_per_second / kernels[i], 1, 0.08) << shares[i];
    EXPECT_NEAR(s.rows[i].per_request[1], 2 * s.rows[i].per_request[0], 1e-12);
  }
}

Arm arm(const std::string& measured_on, const std::string& device, const std::string& priced_as) {
  Arm arm{published(), device, priced_as};
  arm.run.device = measured_on;
  return arm;
}

TEST(Arm, MixedHardwareIsRefusedUnlessAsked) {
  EXPECT_TRUE(check_device(arm("", "B200", "B200"), false).ok());
  EXPECT_TRUE(check_device(arm("B200", "B200", "B200"), false).ok());
  const Status other_run = check_device(arm("MI355X", "B200", "B200"), false);
  EXPECT_THAT(other_run.message(), HasSubstr("was measured on MI355X, wanted a run on B200"));
  const Status other_price = check_device(arm("", "B200", "B300"), false);
  EXPECT_THAT(other_price.message(), HasSubstr("throughput of B200, price of B300: that is the cost of neither"));
  EXPECT_TRUE(check_device(arm("MI355X", "B200", "B300"), true).ok());
}

}  // namespace
}  // namespace drawbridge
