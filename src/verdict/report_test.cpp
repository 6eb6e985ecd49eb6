#include "verdict/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/html_balance_test.h"
#include "base/mapped_file.h"
#include "base/scratch_test.h"
#include "verdict/report_files.h"
#include "verdict/virtual_run_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

LoadReport report_of(const std::vector<double>& rates, int n_requests = 400) {
  std::vector<LoadRun> runs;
  for (const double rate : rates) {
    VirtualServer server;
    server.rate_rps = rate;
    server.n_requests = n_requests;
    runs.push_back(virtual_run(server));
    runs.back().setup.model = "<script>alert(1)</script>";
  }
  return make_report(std::move(runs), {});
}

TEST(LoadReportText, HoldsTheArticlesColumnsAndTheVerdict) {
  const LoadReport report = report_of({1.5});
  const std::string table = article_table(report);
  EXPECT_THAT(table, HasSubstr("offered          sustained, requests/s"));
  for (const char* column :
       {"output tok/s", "TTFT p50, s", "TTFT p95, s", "success", "TPOT p50", "goodput", "accepted"}) {
    EXPECT_THAT(table, HasSubstr(column));
  }
  EXPECT_THAT(table, HasSubstr("100.0 %"));
  EXPECT_THAT(verdict_text(report), HasSubstr("verdict: pass\n"));
  EXPECT_THAT(verdict_text(report), HasSubstr("manifest abc123"));
}

TEST(LoadReportText, SaysWhatIsRefusedAndWhy) {
  const LoadReport report = report_of({1.5}, 60);
  EXPECT_THAT(article_table(report), HasSubstr("n < 72"));
  EXPECT_THAT(verdict_text(report), HasSubstr("verdict: insufficient\n"));
  EXPECT_THAT(verdict_text(report), HasSubstr("Not enough samples for p95"));
}

TEST(LoadReportText, MarksTokensThatOnlyTheServerClaims) {
  LoadRun run = virtual_run();
  run.setup.output_counted_by = "pieces";
  for (RequestRecord& r : run.requests) {
    r.n_output_counted = -1;
    r.n_output_reported *= 2;
  }
  std::vector<LoadRun> runs;
  runs.push_back(std::move(run));
  const LoadReport report = make_report(std::move(runs), {});
  for (const std::string& text : {article_table(report), report_html(report)}) {
    EXPECT_THAT(text, HasSubstr(") unconfirmed"));
    EXPECT_THAT(text, HasSubstr(kUnconfirmedNote));
  }
  EXPECT_THAT(article_table(report_of({1.5})), Not(HasSubstr("unconfirmed")));
}

TEST(LoadReportText, AServersWordsMoveNoCursor) {
  LoadRun run = virtual_run();
  for (size_t i = 0; i < run.requests.size(); i += 10) run.requests[i].error = "\x1b[2Jgone";
  std::vector<LoadRun> runs;
  runs.push_back(std::move(run));
  EXPECT_THAT(verdict_text(make_report(std::move(runs), {})), Not(HasSubstr("\x1b")));
}

TEST(LoadReportHtml, EscapesEverythingLoadsNothingAndHoldsNoNan) {
  LoadReport report = report_of({1, 2, 4});
  report.runs[0].setup.workload = "a <b>\"bold\"</b> & more";
  const std::string html = report_html(report);
  EXPECT_THAT(unbalanced(html), IsEmpty());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("a &lt;b&gt;&quot;bold&quot;&lt;/b&gt; &amp; more"));
  for (const char* outside : {"https://", "src=", "href=", "url(", "@import", "nan", "NaN"}) {
    EXPECT_THAT(html, Not(HasSubstr(outside))) << outside;
  }
  for (const char* part :
       {"<div class=\"verdict pass\">", "output tokens/s against arrivals", "Dashed: the limit of 5 s",
        "TTFT: share of requests", "ITL: share of gaps", "E2E: share of requests", "warm-up: in no figure",
        "drain: in no figure", "<td class=\"name fail\">fail</td>"}) {
    EXPECT_THAT(html, HasSubstr(part));
  }
}

TEST(LoadReportHtml, RunsWithoutAnyAnswerHaveAPageToo) {
  LoadRun run = virtual_run();
  for (RequestRecord& r : run.requests) {
    r.error = "refused";
    r.pieces.clear();
    r.first_token_s = kNever;
    r.end_s = r.sent_s;
  }
  std::vector<LoadRun> runs(2, run);
  runs[1].requests.clear();
  const LoadReport report = make_report(std::move(runs), {});
  EXPECT_EQ(report.verdict, LoadVerdict::kFail);
  const std::string html = report_html(report);
  EXPECT_THAT(unbalanced(html), IsEmpty());
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(verdict_text(report), HasSubstr("x refused"));
}

TEST(LoadReportJson, HoldsFiguresChecksSamplesAndOtherToolsKeys) {
  const LoadReport report = report_of({1.5}, 300);
  const Json json = parse_json(dump_json(report_json(report)), "report").value();
  EXPECT_EQ(json["verdict"], "pass");
  EXPECT_EQ(json["knee"], nullptr);
  const Json& point = json["points"][0];
  EXPECT_EQ(point["figures"]["ttft_s"]["n"], report.points[0].figures.ttft.n);
  EXPECT_EQ(point["figures"]["ttft_s"]["p95"]["interval_95"].size(), 2u);
  EXPECT_EQ(point["figures"]["ttft_s"]["p99"]["n_needed"], 368);  // fewer in the window
  EXPECT_EQ(point["setup"]["manifest"]["sha256"], "abc123");
  EXPECT_EQ(point["samples"]["ttft_s"].size(), point["figures"]["ttft_s"]["n"].get<size_t>());
  EXPECT_EQ(point["checks"][0]["name"], "complete");
  EXPECT_EQ(point["sglang"]["completed"], 300);
  EXPECT_EQ(point["vllm"]["num_prompts"], 300);
}

TEST(LoadReportFiles, AreWhatOtherScriptsRead) {
  const ScratchDirectory scratch("load_report");
  const LoadReport report = report_of({1, 4});
  ASSERT_TRUE(write_report_files(report, scratch.file("")).ok());
  const std::string lines = read_text_file(scratch.file("sglang.jsonl"), 1 << 20).value();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
  const std::string first = lines.substr(0, lines.find('\n'));
  EXPECT_EQ(parse_json(first, "line").value()["request_rate"], 1);
  for (const char* name : {"report.json", "report.html", "vllm.json"}) {
    EXPECT_TRUE(read_text_file(scratch.file(name), 64 << 20).ok()) << name;
  }
  for (const char* name : {"throughput.svg", "ttft.svg", "cdf.svg", "timeline.svg"}) {
    const auto picture = read_text_file(scratch.file(name), 1 << 20);
    ASSERT_TRUE(picture.ok()) << name;
    EXPECT_THAT(*picture, HasSubstr("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=")) << name;
    EXPECT_THAT(*picture, HasSubstr("<polyline class=\"first\"")) << name;
    EXPECT_THAT(*picture, Not(HasSubstr("var(--"))) << name;
    EXPECT_THAT(unbalanced(*picture), IsEmpty()) << name;
  }
  EXPECT_THAT(write_report_files(report, scratch.file("none")).message(), HasSubstr("none/report.json: cannot be"));
}

}  // namespace
}  // namespace drawbridge
