#include "cost/cost_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost/catalog_report.h"
#include "cost/dollars.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::Not;

CostReport report(bool is_silent) {
  const Catalog catalog = Catalog::bundled().value();
  Arm arm;
  arm.device = arm.priced_as = "MI355X";
  arm.run.name = "r.json";
  arm.run.duration_s = 3600;
  arm.run.n_requests = 8640;
  arm.run.input_tokens = 20000 * 8640.0;
  arm.run.output_tokens = 1000 * 8640.0;
  if (!is_silent) arm.run.cached_tokens = 0.6 * arm.run.input_tokens;
  arm.run.verdict = is_silent ? "fail" : "pass";
  const Rental rental{"MI355X", 1, 8, "neocloud-list", catalog.price("neocloud-list", "MI355X").value()};
  const ApiPrice* price = find_api_price(*catalog.model("GLM-5.2").value(), "").value();
  return make_cost_report(catalog, arm, rental, attribution_by_price("GLM-5.2", *price), 0.5, price);
}

TEST(CostReport, TextStatesPriceRuleAndBothBases) {
  const std::string text = cost_text(report(false));
  EXPECT_THAT(text, HasSubstr("r.json on 1 node of 8 MI355X"));
  EXPECT_THAT(text,
              HasSubstr("$2.95 an hour for each MI355X, $23.60 in all: basis neocloud-list (inferred, TensorWave"));
  EXPECT_THAT(text, HasSubstr("2026-08-16; a quote"));
  EXPECT_THAT(text, HasSubstr("Divided by weights 1 : 0.186 : 3.14"));
  EXPECT_THAT(text, HasSubstr("reserved at 50 %"));
  EXPECT_THAT(text, HasSubstr("z.ai sells a request for $0.0187, this load for $161.74 an hour"));
  EXPECT_THAT(text, HasSubstr("214 output tokens"));
  EXPECT_THAT(text, Not(HasSubstr("cache: all of it counts as uncached")));
}

TEST(CostReport, SaysWhatItAssumed) {
  const std::string text = cost_text(report(true));
  EXPECT_THAT(text, HasSubstr("does not say how much input came from a cache: all of it counts as uncached"));
  EXPECT_THAT(text, HasSubstr("it counts as busy from start to end"));
  EXPECT_THAT(text, HasSubstr("the benchmark's own verdict of this load is \"fail\""));
}

TEST(CostReport, JsonHoldsTheSameNumbers) {
  const Json json = cost_json(report(false));
  EXPECT_NEAR(json["busy"]["dollars"].get<double>(), 23.6, 1e-9);
  EXPECT_NEAR(json["reserved"]["dollars"].get<double>(), 47.2, 1e-9);
  EXPECT_EQ(json["price"]["basis"], "neocloud-list");
  EXPECT_EQ(json["price"]["date"], "2026-08-16");
  EXPECT_NEAR(json["break_even"]["utilization"].get<double>(), 0.1459, 1e-4);
  EXPECT_EQ(json["sensitivity"]["rows"].size(), 6u);
  EXPECT_EQ(json["run"]["busy_s"], nullptr);
}

TEST(CatalogReport, NamesTheSourceOfEveryFigure) {
  const Catalog catalog = Catalog::bundled().value();
  EXPECT_THAT(prices_text(catalog), HasSubstr("https://www.hyperstack.cloud/gpu-pricing (2026-09-19, list)"));
  EXPECT_THAT(prices_text(catalog), HasSubstr("2026-04-03, inferred; the source's placeholder: 1.2 x B200)"));
  EXPECT_THAT(devices_text(catalog), HasSubstr("MI355X"));
  EXPECT_THAT(models_text(catalog), HasSubstr("Drawbridge"));
  EXPECT_EQ(catalog_json(catalog)["accelerators"].size(), catalog.accelerators().size());
}

TEST(Dollars, KeepThreeDigitsThatCount) {
  EXPECT_EQ(format_dollars(1234.5), "$1,235");
  EXPECT_EQ(format_dollars(23.6), "$23.60");
  EXPECT_EQ(format_dollars(0.018721), "$0.0187");
  EXPECT_EQ(format_dollars(0.5), "$0.500");
  EXPECT_EQ(format_dollars(0), "$0.00");
  EXPECT_EQ(format_dollars(std::optional<double>()), "-");
}

}  // namespace
}  // namespace drawbridge
