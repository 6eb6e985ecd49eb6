#include "server/live_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/metrics.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::Not;

const MachinePrice kPrice{"own", {7.2, {"--price-per-hour", "2026-11-25", "user", ""}}};

/// A thousand seconds of work: 2 dollars at 7.2 an hour.
EngineStats stats() {
  EngineStats stats;
  stats.busy_input_s = 750;
  stats.busy_output_s = 250;
  stats.n_prompt_tokens = 3000000;
  stats.n_cached_tokens = 1000000;
  stats.n_generated_tokens = 100000;
  return stats;
}

TEST(LiveCost, DividesBusySecondsAndAllSeconds) {
  const LiveRates rates = live_rates(kPrice, stats(), 4000);
  EXPECT_NEAR(rates.busy.uncached.value(), 0.75, 1e-9);  // 1.5 dollars for 2 million
  EXPECT_NEAR(rates.busy.output.value(), 5, 1e-9);       // 0.5 dollars for a tenth of a million
  EXPECT_EQ(rates.busy.cached.value(), 0);
  EXPECT_NEAR(rates.reserved.uncached.value(), 4 * 0.75, 1e-9);
  EXPECT_NEAR(rates.reserved.output.value(), 4 * 5, 1e-9);
}

TEST(LiveCost, SaysNothingBeforeThereWasWork) {
  const LiveRates rates = live_rates(kPrice, {}, 4000);
  EXPECT_FALSE(rates.busy.uncached || rates.busy.output || rates.reserved.uncached || rates.reserved.output);
}

TEST(LiveCost, MetricsTellDollarsOnlyWithAPrice) {
  const std::string with = Metrics(kPrice).page(stats(), {}, "nano", {});
  const std::string sample =
      "drawbridge:cost_dollars_per_million_tokens{model_name=\"nano\",kind=\"output\",basis=\"busy\"} ";
  ASSERT_THAT(with, HasSubstr(sample));
  EXPECT_NEAR(std::stod(with.substr(with.find(sample) + sample.size())), 5, 1e-9);
  EXPECT_THAT(with, HasSubstr("price_basis=\"own\",source=\"--price-per-hour\",date=\"2026-11-25\"} 7.2\n"));
  EXPECT_THAT(Metrics().page(stats(), {}, "nano", {}), Not(HasSubstr("dollars")));
}

}  // namespace
}  // namespace drawbridge
