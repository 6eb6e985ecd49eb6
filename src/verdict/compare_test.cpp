#include "verdict/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "verdict/report.h"
#include "verdict/virtual_run_test.h"

namespace drawbridge {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

Json report_of(const VirtualServer& server) {
  std::vector<LoadRun> runs;
  runs.push_back(virtual_run(server));
  return report_json(make_report(std::move(runs), {}));
}

RatioRow row_of(const MeasurementComparison& comparison, const std::string& figure) {
  for (const RatioRow& row : comparison.rows) {
    if (row.figure == figure) return row;
  }
  ADD_FAILURE() << "no row " << figure;
  return {};
}

TEST(CompareMeasurements, ASlowerPrefillIsShownInTtftAlone) {
  VirtualServer slow;
  slow.prefill_s = 0.36;
  slow.seed = 2;
  const MeasurementComparison c = compare_measurements(report_of({}), "a", report_of(slow), "b", 1).value();
  const RatioRow ttft = row_of(c, "TTFT p50, s");
  EXPECT_STREQ(ratio_verdict(ttft), "worse");
  EXPECT_GT(*ttft.ratio, 1.2);  // more by the queue than by the prefill
  EXPECT_LT(ttft.interval->low, *ttft.ratio);
  EXPECT_GT(ttft.interval->high, *ttft.ratio);
  EXPECT_STREQ(ratio_verdict(row_of(c, "TPOT p50, s")), "not shown");
  EXPECT_STREQ(ratio_verdict(row_of(c, "output tok/s")), "not shown");
  EXPECT_THAT(c.notes, IsEmpty());
}

TEST(CompareMeasurements, TheSameServerTwiceShowsNothing) {
  int n_shown = 0;
  for (uint64_t seed = 10; seed < 16; ++seed) {
    VirtualServer one, other;
    one.seed = seed;
    other.seed = seed + 100;
    const auto c = compare_measurements(report_of(one), "a", report_of(other), "b", seed).value();
    n_shown += std::string(ratio_verdict(row_of(c, "TTFT p50, s"))) == "not shown" ? 0 : 1;
  }
  EXPECT_LE(n_shown, 1);  // one in twenty errs
}

TEST(CompareMeasurements, RefusesAnotherWorkloadAndNamesTheMember) {
  const Json a = report_of({});
  Json b = a;
  b["points"][0]["setup"]["workload"] = "fixed 8000 in";
  EXPECT_THAT(compare_measurements(a, "a.json", b, "b.json", 1).status().message(),
              HasSubstr("setup.workload is \"fixed 2000 in 50 out, 60% shared prefix\" in a.json"));
  b = a;
  b["points"][0]["load"] = "9 requests/s";
  EXPECT_THAT(compare_measurements(a, "a.json", b, "b.json", 1).status().message(), HasSubstr("no load in common"));
}

TEST(CompareMeasurements, SaysWhatElseDiffers) {
  const Json a = report_of({});
  Json b = a;
  b["points"][0]["setup"]["manifest"]["sha256"] = "def";
  b["points"][0]["setup"]["model"] = "other";
  b["points"][0]["verdict"] = "fail";
  const auto c = compare_measurements(a, "a", b, "b", 1).value();
  EXPECT_THAT(c.notes, Contains("manifest.sha256: \"abc123\", then \"def\""));
  EXPECT_THAT(c.notes, Contains("setup.model: \"virtual\", then \"other\""));
  EXPECT_THAT(c.notes, Contains(HasSubstr("the verdict of b is fail")));
  EXPECT_THAT(comparison_text(c), HasSubstr("They differ besides:"));
}

TEST(CompareMeasurements, RefusesPercentilesOfSmallSamples) {
  VirtualServer small;
  small.n_requests = 70;
  const Json a = report_of(small);
  const auto c = compare_measurements(a, "a", a, "b", 1).value();
  EXPECT_FALSE(row_of(c, "TTFT p95, s").ratio.has_value());
  EXPECT_TRUE(row_of(c, "TTFT p50, s").ratio.has_value());
  EXPECT_EQ(comparison_json(c)["rows"][3]["ratio"], nullptr);
}

Json engine_result(double median) {
  return {{"model", "m"},
          {"tests", {{{"test", "tg128"}, {"tokens_per_s", median}, {"min", median - 1}, {"max", median + 1}}}}};
}

TEST(CompareMeasurements, EnginesByTheirRanges) {
  const auto c = compare_measurements(engine_result(20), "a", engine_result(30), "b", 1).value();
  EXPECT_DOUBLE_EQ(*c.rows[0].ratio, 1.5);
  EXPECT_DOUBLE_EQ(c.rows[0].interval->low, 29.0 / 21);
  EXPECT_STREQ(ratio_verdict(c.rows[0]), "better");
  const auto close = compare_measurements(engine_result(20), "a", engine_result(21), "b", 1).value();
  EXPECT_STREQ(ratio_verdict(close.rows[0]), "not shown");
  EXPECT_THAT(compare_measurements(engine_result(20), "a", report_of({}), "b", 1).status().message(),
              HasSubstr("wanted two reports of `bench serve`"));
}

}  // namespace
}  // namespace drawbridge
