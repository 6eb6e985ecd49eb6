#include "cost/bench_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::HasSubstr;

// A line as sglang.bench_serving writes it, shortened to what counts here.
constexpr const char* kSglang =
    R"({"backend": "sglang", "request_rate": 2.4, "duration": 100.0, "completed": 240, "total_input_tokens": 4800000,
        "total_output_tokens": 240000, "request_throughput": 2.4, "input_throughput": 48000.0, "output_throughput": 2400.0})";

constexpr const char* kOurs = R"({"kind": "drawbridge load report", "sustained": "2.4 requests/s", "points": [
  {"load": "1 requests/s", "verdict": "pass", "figures": {"window": {"begin_s": 10, "end_s": 110},
   "sustained_rps": {"value": 1.0}, "output_tok_s": {"value": 1000.0}, "prompt_length": 20000, "cached_reported": null}},
  {"load": "2.4 requests/s", "verdict": "insufficient", "setup": {"manifest": {"device": "B200"}},
   "figures": {"window": {"begin_s": 10, "end_s": 60}, "sustained_rps": {"value": 2.4},
   "output_tok_s": {"value": 2400.0}, "prompt_length": 20000, "cached_reported": 0.6,
   "busy_input": 0.5, "busy_output": 0.25}}]})";

std::string refusal(const std::string& text, int64_t run = 0) {
  const auto figures = parse_bench_figures(text, "r.json", run);
  return figures.ok() ? "accepted" : figures.status().message();
}

TEST(BenchFigures, OfSglangAndVllm) {
  const auto f = parse_bench_figures(kSglang, "r.json");
  ASSERT_TRUE(f.ok()) << f.status().message();
  EXPECT_EQ(f->requests_per_second(), 2.4);
  EXPECT_EQ(f->output_per_second(), 2400);
  EXPECT_FALSE(f->cached_tokens);
  EXPECT_EQ(f->tokens().uncached, 4800000);
  EXPECT_TRUE(f->device.empty());
}

TEST(BenchFigures, ChoosesOneOfSeveralLines) {
  const std::string one = R"({"duration": 10, "completed": 10, "total_input_tokens": 100, "total_output_tokens": 10})";
  const std::string two =
      one + "\n" + R"({"duration": 10, "completed": 20, "total_input_tokens": 1, "total_output_tokens": 1})";
  EXPECT_EQ(parse_bench_figures(two + "\n", "r.json", 2)->n_requests, 20);
  EXPECT_THAT(refusal(two), HasSubstr("r.json: has 2 runs, wanted --run from 1 to 2, found 0"));
  EXPECT_THAT(refusal(two, 3), HasSubstr("found 3"));
  EXPECT_EQ(parse_bench_figures(one, "r.json", 0)->n_requests, 10);
}

TEST(BenchFigures, NamesTheDeviceThatTheResultNames) {
  const auto f = parse_bench_figures(R"({"device": "B200", "duration": 10, "completed": 10, "total_input_tokens": 100,
                                         "total_output_tokens": 10})",
                                     "r.json");
  ASSERT_TRUE(f.ok()) << f.status().message();
  EXPECT_EQ(f->device, "B200");
}

TEST(BenchFigures, OfOurOwnTheSustainedPointsSteadyWindow) {
  const auto f = parse_bench_figures(kOurs, "r.json");
  ASSERT_TRUE(f.ok()) << f.status().message();
  EXPECT_EQ(f->name, "r.json: 2.4 requests/s");
  EXPECT_EQ(f->duration_s, 50);
  EXPECT_NEAR(f->n_requests, 120, 1e-9);
  EXPECT_NEAR(f->input_tokens, 2.4e6, 1e-6);
  EXPECT_NEAR(f->cached_share(), 0.6, 1e-12);
  EXPECT_NEAR(f->output_per_second(), 2400, 1e-9);
  EXPECT_EQ(f->device, "B200");
  EXPECT_EQ(f->verdict, "insufficient");
  ASSERT_TRUE(f->busy);
  EXPECT_EQ(f->busy->input, 25);
  EXPECT_EQ(f->busy->output, 12.5);
  const auto first = parse_bench_figures(kOurs, "r.json", 1);
  ASSERT_TRUE(first.ok()) << first.status().message();
  EXPECT_EQ(first->requests_per_second(), 1);
  EXPECT_FALSE(first->cached_tokens);
  EXPECT_FALSE(first->busy);
  EXPECT_THAT(refusal(kOurs, 3), HasSubstr("has 2 points, wanted --run from 1 to 2, found 3"));
}

TEST(BenchFigures, RefusesWhatCannotBePriced) {
  EXPECT_THAT(refusal("{}"), HasSubstr("r.json: member \"duration\" is missing"));
  EXPECT_THAT(refusal(R"({"duration": 10, "completed": 0})"), HasSubstr("completed: wanted a number above 0, found 0"));
  EXPECT_THAT(refusal(R"({"duration": 10, "completed": 10, "total_input_tokens": 100, "total_output_tokens": 10,
                          "output_throughput": 2})"),
              HasSubstr("output_throughput: wanted 1 as the counts and the duration say, found 2"));
  EXPECT_THAT(refusal("not json"), HasSubstr("r.json"));
  EXPECT_THAT(read_bench_figures("/nonexistent/r.json").status().message(), HasSubstr("/nonexistent/r.json"));
}

TEST(BenchFigures, TheCachedShareIsStatedOnce) {
  auto silent = parse_bench_figures(kSglang, "r.json");
  ASSERT_TRUE(state_cached_share(*silent, 0.6).ok());
  EXPECT_NEAR(silent->tokens().uncached, 0.4 * 4800000, 1e-6);
  EXPECT_THAT(state_cached_share(*silent, 0.5).message(), HasSubstr("r.json itself says 0.600"));
  auto another = parse_bench_figures(kSglang, "r.json");
  EXPECT_THAT(state_cached_share(*another, 1).message(), HasSubstr("wanted a share from 0 to below 1, found 1"));
}

TEST(BenchFigures, BusySecondsFitIntoTheRun) {
  auto figures = parse_bench_figures(kSglang, "r.json");
  ASSERT_TRUE(state_busy(*figures, {60, 30}).ok());
  EXPECT_EQ(figures->busy->total(), 90);
  EXPECT_THAT(state_busy(*figures, {90, 30}).message(), HasSubstr("at most the run's 100.0 s, found 120.0"));
  EXPECT_THAT(parse_phase_seconds("60").status().message(), HasSubstr("wanted INPUT:OUTPUT, such as 41.5:18.2"));
}

}  // namespace
}  // namespace drawbridge
