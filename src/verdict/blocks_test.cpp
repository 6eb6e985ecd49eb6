// The blocks, letter by letter, against those that Python prints for the same records (tests/reference/verdict).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "verdict/report.h"

namespace drawbridge {
namespace {

const Json& golden() {
  static const Json root = [] {
    const std::string path = std::string(DB_SOURCE_DIR) + "/tests/golden/verdict/blocks.json";
    return parse_json(read_text_file(path, 1 << 20).value(), path).value();
  }();
  return root;
}

RequestRecord record_of(const Json& json, int64_t index) {
  RequestRecord r;
  r.index = index;
  r.due_s = json["due_s"].get<double>();
  r.sent_s = json["sent_s"].get<double>();
  r.end_s = json["end_s"].get<double>();
  if (!json["first_token_s"].is_null()) r.first_token_s = json["first_token_s"].get<double>();
  for (const Json& at : json["pieces"]) r.pieces.push_back({at.get<double>(), 4});
  r.n_prompt_designed = r.n_prompt_reported = json["n_prompt"].get<int64_t>();
  r.n_output_designed = 8;
  r.n_output_reported = json["n_output_reported"].get<int64_t>();
  r.n_output_counted = json["n_output_counted"].get<int64_t>();
  r.error = json["error"].get<std::string>();
  return r;
}

LoadReport report_of(int64_t cap, double rate_rps) {
  LoadRun run;
  run.setup.endpoint = "/v1/chat/completions";
  run.setup.model = "tiny";
  run.setup.arrivals = "gamma burstiness 0.5";
  run.setup.rate_rps = rate_rps;
  run.setup.max_concurrency = cap;
  run.setup.output_counted_by = "tokenizer models/tiny";
  run.setup.started_at = "2026-11-25T01:44:04Z";
  for (const Json& one : golden()["requests"]) {
    run.requests.push_back(record_of(one, static_cast<int64_t>(run.requests.size())));
  }
  RequestRecord warmup = run.requests.front();
  warmup.is_warmup = true;
  run.requests.insert(run.requests.begin(), warmup);
  run.arrivals_end_s = run.requests.back().due_s;
  run.duration_s = golden()["duration_s"].get<double>();
  LoadReportOptions options;
  options.ttft_limit_s = 0.5;
  std::vector<LoadRun> runs;
  runs.push_back(std::move(run));
  return make_report(std::move(runs), options);
}

TEST(Blocks, SglangsLetterByLetter) {
  EXPECT_EQ(sglang_block(report_of(3, 2), 0), golden()["sglang"].get<std::string>());
}

TEST(Blocks, VllmsLetterByLetter) {
  EXPECT_EQ(vllm_block(report_of(3, 2), 0), golden()["vllm"].get<std::string>());
}

TEST(Blocks, LinesThatDependOnTheSetup) {
  const LoadReport report = report_of(0, 0);
  EXPECT_THAT(sglang_block(report, 0), testing::HasSubstr("Traffic request rate:                    inf       \n"));
  EXPECT_THAT(sglang_block(report, 0), testing::HasSubstr("Max request concurrency:                 not set   \n"));
  EXPECT_THAT(vllm_block(report, 0), testing::Not(testing::HasSubstr("Maximum request concurrency")));
  EXPECT_THAT(vllm_block(report, 0), testing::Not(testing::HasSubstr("Client-side Queueing")));
}

TEST(Blocks, JsonHasTheKeysThatScriptsRead) {
  const LoadReport report = report_of(3, 2);
  const Json sglang = sglang_json(report, 0), vllm = vllm_json(report, 0);
  for (const char* key : {"backend",
                          "dataset_name",
                          "request_rate",
                          "max_concurrency",
                          "sharegpt_output_len",
                          "random_input_len",
                          "random_output_len",
                          "random_range_ratio",
                          "duration",
                          "completed",
                          "total_input_tokens",
                          "total_output_tokens",
                          "total_output_tokens_retokenized",
                          "request_throughput",
                          "input_throughput",
                          "output_throughput",
                          "mean_e2e_latency_ms",
                          "median_e2e_latency_ms",
                          "std_e2e_latency_ms",
                          "p99_e2e_latency_ms",
                          "mean_ttft_ms",
                          "median_ttft_ms",
                          "std_ttft_ms",
                          "p99_ttft_ms",
                          "mean_tpot_ms",
                          "median_tpot_ms",
                          "std_tpot_ms",
                          "p99_tpot_ms",
                          "mean_itl_ms",
                          "median_itl_ms",
                          "std_itl_ms",
                          "p95_itl_ms",
                          "p99_itl_ms",
                          "concurrency",
                          "accept_length"}) {
    EXPECT_TRUE(sglang.contains(key)) << key;
  }
  for (const char* key : {"date",
                          "endpoint_type",
                          "label",
                          "model_id",
                          "tokenizer_id",
                          "num_prompts",
                          "request_rate",
                          "burstiness",
                          "max_concurrency",
                          "duration",
                          "completed",
                          "failed",
                          "total_input_tokens",
                          "total_output_tokens",
                          "request_throughput",
                          "request_goodput",
                          "output_throughput",
                          "total_token_throughput",
                          "max_output_tokens_per_s",
                          "max_concurrent_requests",
                          "mean_ttft_ms",
                          "median_ttft_ms",
                          "std_ttft_ms",
                          "p99_ttft_ms",
                          "mean_tpot_ms",
                          "p95_itl_ms",
                          "p99_e2el_ms"}) {
    EXPECT_TRUE(vllm.contains(key)) << key;
  }
  EXPECT_EQ(vllm["date"], "20261125-014404");
  EXPECT_EQ(vllm["burstiness"], 0.5);
  EXPECT_EQ(vllm["completed"], 4);
  EXPECT_EQ(vllm["failed"], 1);
  EXPECT_EQ(sglang["total_output_tokens"], 15);
}

}  // namespace
}  // namespace drawbridge
