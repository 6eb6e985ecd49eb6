#include "tuned/plans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tuned/coverage.h"
#include "tuned/plan_text.h"
#include "tuned/row_test.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;

TunedTable table_of(const std::vector<TunedRow>& rows) {
  TunedTable table;
  for (const TunedRow& row : rows) table.add(row);
  return table;
}

TEST(DevicePlans, ExactThenNearBetweenThenDefault) {
  const TilePlan one{1, false, 1}, eight{8, false, 8}, wide{16, true, 4};
  TunedRow imported = test_row(512, wide);
  imported.origin = PlanOrigin::kImported;
  const DevicePlans plans(table_of({test_row(1, one), test_row(8, eight), imported}), test_device());
  const auto expect = [&](int64_t n_tokens, const TilePlan& plan, PlanOrigin origin) {
    const FoundPlan found = plans.find(moe_key(), n_tokens);
    EXPECT_EQ(found.plan, plan) << n_tokens;
    EXPECT_EQ(found.origin, origin) << n_tokens;
  };
  expect(1, one, PlanOrigin::kMeasured);
  expect(2, default_plan(moe_key(), 2), PlanOrigin::kDefault);  // twice 1, a quarter of 8
  expect(5, default_plan(moe_key(), 5), PlanOrigin::kDefault);
  expect(6, eight, PlanOrigin::kInterpolated);
  expect(8, eight, PlanOrigin::kMeasured);
  expect(11, eight, PlanOrigin::kInterpolated);
  expect(64, default_plan(moe_key(), 64), PlanOrigin::kDefault);
  expect(363, wide, PlanOrigin::kInterpolated);
  expect(512, wide, PlanOrigin::kImported);
  expect(513, default_plan(moe_key(), 513), PlanOrigin::kDefault);
  EXPECT_EQ(plans.find(moe_key(32, 4), 8).origin, PlanOrigin::kDefault) << "without the shared expert: another key";
}

TEST(DevicePlans, RowsOfAnotherDeviceAreNotUsed) {
  TunedDevice other = test_device();
  other.n_threads = 3;
  EXPECT_TRUE(DevicePlans(table_of({test_row(1, {1, false, 1})}), other).empty());
}

TEST(DevicePlans, TellPlansAsTheyRun) {
  TileLimits limits;
  limits.max_columns.fill(4);
  for (auto& of_input : limits.can_expand) of_input.fill(false);
  const DevicePlans plans(table_of({test_row(1, {1, false, 1}), test_row(8, {16, true, 8})}), test_device(), limits);
  EXPECT_EQ(plans.find(moe_key(), 1).plan, (TilePlan{1, false, 1}));
  EXPECT_EQ(plans.find(moe_key(), 8).plan, (TilePlan{4, false, 8}));
  EXPECT_EQ(plans.find(moe_key(), 8).origin, PlanOrigin::kMeasured);
  ProductKey linear;
  linear.input = PanelInput::kInt8;
  ASSERT_EQ(default_plan(linear, 512).columns, 16);
  EXPECT_EQ(plans.find(linear, 512).plan.columns, 4) << "by default too";
  EXPECT_THAT(plans.cut(), ElementsAre(key_text(moe_key()) + " tokens=8: 16x8+expand runs as 4x8"));
}

TEST(TunedPlans, CountsTokensByOriginAndKnowsWhatWasAsked) {
  TunedPlans plans(DevicePlans(table_of({test_row(1, {1, false, 1}), test_row(8, {8, false, 8})}), test_device()));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(plans.find(moe_key(), 8), (TilePlan{8, false, 8}));
    EXPECT_EQ(plans.find(moe_key(), 1), (TilePlan{1, false, 1}));
  }
  plans.find(moe_key(), 7);
  plans.find(moe_key(256, 8), 100);
  EXPECT_THAT(plans.counts().since_start(), ElementsAre(27, 0, 7, 100));
  EXPECT_EQ(plans.counts().last_hour(), plans.counts().since_start());
  EXPECT_EQ(plans.seen().at(moe_key()), 8);
  EXPECT_EQ(plans.seen().at(moe_key(256, 8)), 100);
}

int64_t minute = 0;

TEST(OriginCounts, ForgetsWhatIsOlderThanAnHour) {
  minute = 1000;
  OriginCounts counts([] { return minute; });
  counts.add(PlanOrigin::kMeasured, 10);
  minute += 59;
  counts.add(PlanOrigin::kDefault, 5);
  EXPECT_THAT(counts.last_hour(), ElementsAre(10, 0, 0, 5));
  minute += 1;
  EXPECT_THAT(counts.last_hour(), ElementsAre(0, 0, 0, 5));
  counts.add(PlanOrigin::kMeasured, 7);  // into the place of the first
  EXPECT_THAT(counts.last_hour(), ElementsAre(7, 0, 0, 5));
  minute += 200;
  EXPECT_THAT(counts.last_hour(), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(counts.since_start(), ElementsAre(17, 0, 0, 5));
}

TEST(Coverage, CountsEachBucketOfEachProductOnce) {
  TunedPlans plans(DevicePlans(table_of({test_row(1, {1, false, 1}), test_row(8, {8, false, 8})}), test_device()));
  const ProductKey head{ProductStage::kLinear, WeightFormat::kBF16, PanelInput::kBf16, 1000, 64, 0, 0};
  plans.find(moe_key(), 2);
  plans.find(head, 1);
  const Coverage coverage = coverage_of(plans.rows(), products_seen(plans, 2), {2, 12});
  // moe: 1, 8 measured; 6 near 8; 2 and 4 between, 12 beyond. The head: 1 and 2, as only one row a request goes through
  // it.
  EXPECT_THAT(coverage.n, ElementsAre(2, 0, 1, 5));
  EXPECT_EQ(coverage.shares(), "25.0 % measured, 12.5 % interpolated, 62.5 % default");
  EXPECT_THAT(coverage.missing(), ElementsAre("linear bf16 x bf16 N=1000 K=64 tokens=1,2",
                                              "moe_hidden mxfp4 x bf16 N=512 K=1024 E=33 topk=5 tokens=2,4,6,12"));
}

TEST(TunedDevice, NamesItsFile) {
  EXPECT_EQ(default_table_path("models/m", {"Intel(R) Xeon(R) CPU @ 2.0GHz", "avx512", 16}),
            "models/m/tuned/intel-r-xeon-r-cpu-2-0ghz-avx512-16.jsonl");
  CpuOptions options;
  options.isa = "scalar";
  options.n_threads = 4;
  EXPECT_EQ(tuned_device(options)->n_threads, 1) << "the reference has one thread";
}

}  // namespace
}  // namespace drawbridge
