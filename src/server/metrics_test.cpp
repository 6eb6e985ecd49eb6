// The page of /metrics follows Prometheus' text format.
#include "server/metrics.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

namespace drawbridge {
namespace {

std::string page() {
  Metrics metrics;
  metrics.first_token(0.02);
  metrics.next_token(0.004);
  metrics.next_token(1e9);
  metrics.end({FinishReason::kStop, {}, std::nullopt, {10, 3, 0}}, 0.5, 0.25);
  metrics.response(200);
  metrics.response(429);
  EngineStats stats;
  stats.n_running = 2;
  stats.n_pages_total = 8;
  stats.n_pages_free = 6;
  stats.kv_layers = {{1000, 0}, {1000, 7}};
  stats.plan_tokens = {{"measured", 900, 75}, {"default", 100, 25}};
  ModelCard card;
  card.notices = {"says \"hi\" on\ntwo lines \\"};
  return metrics.page(stats, card, "nano", {});
}

TEST(Metrics, EveryLineIsASampleOfAnAnnouncedFamily) {
  const std::regex sample(
      R"re(([a-z_:0-9]+)(\{[a-z_]+="([^"\\\n]|\\.)*"(,[a-z_]+="([^"\\\n]|\\.)*")*\})? -?[0-9.e+-]+)re");
  std::set<std::string> families;
  std::istringstream lines(page());
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << "twice: " << family;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + family + " "));
    } else {
      std::smatch match;
      ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
      EXPECT_TRUE(match[1].str().starts_with(family)) << line;
      EXPECT_TRUE(families.contains(family));
    }
  }
  EXPECT_GT(families.size(), 30u);
}

bool has_line(const std::string& line) {
  return ("\n" + page()).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsWhatItWasTold) {
  EXPECT_TRUE(has_line(R"(drawbridge:tuned_tokens_total{model_name="nano",origin="measured"} 900)"));
  EXPECT_TRUE(has_line(R"(drawbridge:tuned_tokens_ratio{model_name="nano",origin="default"} 0.25)"));
  EXPECT_TRUE(has_line(R"(drawbridge:num_requests_running{model_name="nano"} 2)"));
  EXPECT_TRUE(has_line(R"(vllm:num_requests_running{model_name="nano"} 2)"));
  EXPECT_TRUE(has_line(R"(vllm:kv_cache_usage_perc{model_name="nano"} 0.25)"));
  EXPECT_TRUE(has_line(R"(drawbridge:kv_pages_free{model_name="nano"} 6)"));
  EXPECT_TRUE(has_line(R"(vllm:request_success_total{model_name="nano",finished_reason="stop"} 1)"));
  EXPECT_TRUE(has_line(R"(vllm:request_success_total{model_name="nano",finished_reason="cancelled"} 0)"));
  EXPECT_TRUE(has_line(R"(drawbridge:kv_written_values_total{model_name="nano",layer="0"} 1000)"));
  EXPECT_TRUE(has_line(R"(drawbridge:kv_clipped_values_total{model_name="nano",layer="1"} 7)"));
  EXPECT_TRUE(has_line(R"(drawbridge:http_responses_total{model_name="nano",status="429"} 1)"));
  EXPECT_TRUE(has_line(R"(drawbridge:model_notice_info{model_name="nano",notice="says \"hi\" on\ntwo lines \\"} 1)"));
}

TEST(Metrics, HasTheNamesOfOtherServers) {
  EXPECT_TRUE(has_line(R"(sglang:num_running_reqs{model_name="nano"} 2)"));
  EXPECT_TRUE(has_line(R"(sglang:token_usage{model_name="nano"} 0.25)"));
  EXPECT_TRUE(has_line(R"(sglang:time_to_first_token_seconds_count{model_name="nano"} 1)"));
  EXPECT_TRUE(has_line(R"(sglang:cached_tokens_total{model_name="nano",cache_source="device"} 0)"));
  EXPECT_TRUE(has_line(R"(llamacpp:requests_processing{model_name="nano"} 2)"));
  EXPECT_TRUE(has_line(R"(llamacpp:kv_cache_usage_ratio{model_name="nano"} 0.25)"));
}

TEST(Metrics, HistogramsAreCumulative) {
  EXPECT_TRUE(has_line(R"(vllm:request_decode_time_seconds_sum{model_name="nano"} 0.25)"));
  EXPECT_TRUE(has_line(R"(vllm:time_to_first_token_seconds_bucket{model_name="nano",le="0.01"} 0)"));
  EXPECT_TRUE(has_line(R"(vllm:time_to_first_token_seconds_bucket{model_name="nano",le="0.02"} 1)"));
  EXPECT_TRUE(has_line(R"(vllm:time_to_first_token_seconds_bucket{model_name="nano",le="0.03"} 1)"));
  EXPECT_TRUE(has_line(R"(vllm:inter_token_latency_seconds_bucket{model_name="nano",le="600"} 1)"));
  EXPECT_TRUE(has_line(R"(vllm:inter_token_latency_seconds_bucket{model_name="nano",le="+Inf"} 2)"));
  EXPECT_TRUE(has_line(R"(vllm:inter_token_latency_seconds_count{model_name="nano"} 2)"));
  EXPECT_TRUE(has_line(R"(drawbridge:e2e_request_latency_seconds_sum{model_name="nano"} 0.5)"));
  EXPECT_TRUE(has_line(R"(drawbridge:request_prompt_tokens_bucket{model_name="nano",le="16"} 1)"));
}

}  // namespace
}  // namespace drawbridge
