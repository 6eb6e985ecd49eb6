#include "cost/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Arm arm(const std::string& device, double rps, double output_tokens = 1000) {
  Arm arm;
  arm.device = arm.priced_as = device;
  arm.run.name = device + ".json";
  arm.run.duration_s = 100;
  arm.run.n_requests = 100 * rps;
  arm.run.input_tokens = 20000 * arm.run.n_requests;
  arm.run.output_tokens = output_tokens * arm.run.n_requests;
  return arm;
}

CostComparison compare(const Arm& a, const Arm& b, bool allow_mixed = false) {
  auto comparison = compare_arms(Catalog::bundled().value(), a, b, allow_mixed);
  EXPECT_TRUE(comparison.ok()) << comparison.status().message();
  return std::move(comparison).value();
}

TEST(Compare, OnEveryBasisThatPricesBothDevices) {
  const CostComparison c = compare(arm("MI325X", 2), arm("H200", 3));
  std::vector<std::string> names;
  for (const ComparedBasis& row : c.bases) names.push_back(row.basis);
  EXPECT_THAT(names, ElementsAre("ownership", "ownership-neocloud", "3-year", "neocloud-list"));
  EXPECT_THAT(c.left_out, ElementsAre("hyperscaler-list"));
  EXPECT_NEAR(c.bases[0].by_request, (1.41 / 3) / (1.28 / 2), 1e-12);
  EXPECT_TRUE(c.same_workload);
  EXPECT_FALSE(c.energy_a);  // nobody published the power of an MI325X
  EXPECT_TRUE(c.energy_b);
}

TEST(Compare, OtherLengthsMakeTwoRatiosAndAWarning) {
  const CostComparison c = compare(arm("MI355X", 2), arm("B200", 2, 2000));
  EXPECT_FALSE(c.same_workload);
  EXPECT_NEAR(c.bases[0].by_request, 2 * c.bases[0].by_output, 1e-12);
  EXPECT_THAT(cost_comparison_text(c), HasSubstr("The workloads differ by more than 5 %"));
}

TEST(Compare, RefusesAThroughputAtAnotherDevicesPrice) {
  Arm b = arm("B200", 3);
  b.priced_as = "B300";
  const auto refused = compare_arms(Catalog::bundled().value(), arm("MI355X", 2.4), b, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().message(), HasSubstr("B200.json: throughput of B200, price of B300"));
  const CostComparison c = compare(arm("MI355X", 2.4), b, true);
  EXPECT_THAT(cost_comparison_text(c), HasSubstr("8 x B200 at the price of B300"));
  EXPECT_EQ(cost_comparison_json(c)["b"]["priced_as"], "B300");
}

TEST(Compare, NeedsABasisWithBothPrices) {
  const auto refused = compare_arms(Catalog::bundled().value(), arm("MI355X", 2), arm("CPU", 2), false);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().message(),
              HasSubstr("no price basis of the catalogue has prices of both MI355X and CPU"));
}

}  // namespace
}  // namespace drawbridge
