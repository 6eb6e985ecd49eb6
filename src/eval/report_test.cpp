#include "eval/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/html_balance_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::Not;

ItemResult item(const std::string& id, double score) {
  ItemResult made;
  made.id = id;
  made.score = score;
  made.expected = "1";
  return made;
}

SystemResult system_of(const std::string& label, double last_score) {
  return {label,
          {{"note", "<script>alert(1)</script>"}},
          {{"needle",
            1,
            "first-number",
            0,
            "exact_match",
            {item("needle-1024-d0-0", 1), item("needle-1024-d100-1", 0), item("needle-2049-d0-0", last_score)}}}};
}

DistributionReport distances() {
  DistributionReport d;
  d.reference = "models/a & b";
  d.candidate = "models/c";
  d.text = "text.txt";
  d.n_windows = 1;
  d.n_tokens = 100;
  d.reference_perplexity = 4;
  d.candidate_perplexity = 4.4;
  d.histogram = {{1e-9, 1e-3, 1}, {70, 30}};
  d.kl.p99 = 0.125;
  d.buckets = {{0, 128, 100, std::log(4.0), std::log(4.4), 0.01, 0.95}};
  d.experts = {{1, 101, 1, 1, 1}, {2, 101, 0.5, 0.75, 0.6}};
  d.indices = {{0, 0, 0, 0, 0}};
  d.canaries = {{256, 2, -8.5, -0.25, -8.5, -1.5, 0.75}};
  return d;
}

EvalReport whole_report() {
  EvalReport report;
  report.systems = {system_of("fp8 <b>\"x\"</b>", 1), system_of("mxfp4", 0)};
  report.comparison = compare_runs(report.systems[0], report.systems[1], {}).value();
  report.distribution = distances();
  return report;
}

TEST(ReportHtml, EscapesEverythingAndLoadsNothing) {
  const std::string html = render_html(whole_report());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(html, HasSubstr("fp8 &lt;b&gt;&quot;x&quot;&lt;/b&gt;"));
  EXPECT_THAT(html, HasSubstr("models/a &amp; b"));
  for (const char* outside : {"http://", "https://", "src=", "href=", "url(", "@import"}) {
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(unbalanced(html), testing::IsEmpty());
}

TEST(ReportHtml, HoldsVerdictTablePlotsAndHeatMap) {
  const std::string html = render_html(whole_report());
  EXPECT_THAT(html, HasSubstr("<div class=\"verdict open\">Not shown at a margin of 1 points"));
  EXPECT_THAT(html, HasSubstr("<td class=\"flip\">1</td>"));
  EXPECT_THAT(html, HasSubstr("2049 tokens, depth 0 %: 0 of 1 found"));
  EXPECT_THAT(html, HasSubstr("layer 2: 50.00 % equal"));
  EXPECT_THAT(html, HasSubstr("0.001 to 1 nats: 30"));
  EXPECT_THAT(html, HasSubstr("Nothing to compare"));  // no position reached index_topk
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
}

TEST(ReportHtml, PartsThatAreAbsentAreLeftOut) {
  EvalReport report;
  report.distribution = distances();
  const std::string html = render_html(report);
  EXPECT_THAT(html, Not(HasSubstr("<h2>Scores</h2>")));
  EXPECT_THAT(html, Not(HasSubstr("<h2>Needles</h2>")));
  EXPECT_THAT(html, HasSubstr("<h2>Distance between the checkpoints</h2>"));
  EXPECT_THAT(unbalanced(html), testing::IsEmpty());
}

TEST(ReportJson, HoldsTheNumbersExactly) {
  const Json json = render_json(whole_report());
  EXPECT_EQ(json["systems"][1]["tasks"][0]["value"], 1.0 / 3);
  EXPECT_EQ(json["comparison"]["tasks"][0]["paired"]["table"]["only_baseline"], 1);
  EXPECT_EQ(json["comparison"]["tasks"][0]["paired"]["verdict"], "not shown");
  EXPECT_EQ(json["comparison"]["tasks"][0]["lost"][0], "needle-2049-d0-0");
  EXPECT_EQ(json["distribution"]["kl"]["p99"], 0.125);
  EXPECT_EQ(json["distribution"]["perplexity_ratio_95"], nullptr);  // one window
  EXPECT_EQ(json["distribution"]["experts"]["layers"][1]["layer"], 2);
  EXPECT_NEAR(json["distribution"]["experts"]["equal"].get<double>(), 0.75, 1e-12);
}

TEST(ReportText, SaysDistancesInWords) {
  EvalReport report;
  report.distribution = distances();
  const std::string text = render_terminal(report);
  EXPECT_THAT(text, HasSubstr("perplexity: 4.0000 -> 4.4000, ratio 1.10000 (one window: no interval)"));
  EXPECT_THAT(text, HasSubstr("experts: 75.00 % equal sets over 202 sets of 2 layers"));
  EXPECT_THAT(text, HasSubstr("least in layer 2 (0.6000)"));
  EXPECT_THAT(text, HasSubstr("indexer positions (from 0 on): nothing to compare: no window was long enough"));
  EXPECT_THAT(text, HasSubstr("|   256|      2|         -8.500|-0.250|         -8.500|-1.500|     0.75|"));
}

}  // namespace
}  // namespace drawbridge
