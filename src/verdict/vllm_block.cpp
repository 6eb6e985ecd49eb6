// The block that `vllm bench serve` prints with --percentile-metrics ttft,tpot,itl,e2el --metric-percentiles 95,99, and
// what it saves without --save-detailed.
#include <charconv>

#include "verdict/run_totals.h"

namespace drawbridge {
namespace {

std::string backend_of(const LoadSetup& setup) {
  return setup.endpoint.find("chat") != std::string::npos ? "openai-chat" : "openai";
}

struct Metric {
  const char* key;
  const char* name;
  const char* title;
  const Summary& summary;
};

/// Queueing at the client arises only where its requests in flight are bounded.
std::vector<Metric> metrics_of(const LoadSetup& setup, const RunTotals& t) {
  std::vector<Metric> metrics = {{"ttft", "TTFT", "Time to First Token", t.ttft},
                                 {"tpot", "TPOT", "Time per Output Token (excl. 1st token)", t.tpot},
                                 {"itl", "ITL", "Inter-token Latency", t.itl},
                                 {"e2el", "E2EL", "End-to-end Latency", t.e2e}};
  if (setup.max_concurrency <= 0) return metrics;
  metrics.push_back({"client_queue_time", "Client Queue Time", "Client-side Queueing", t.queue});
  if (setup.rate_rps > 0) {
    metrics.push_back(
        {"e2el_including_client_queue", "E2EL incl. Client Queue", "Queue-inclusive End-to-end Latency", t.e2e_queue});
  }
  return metrics;
}

std::string metric_lines(const Metric& metric) {
  const std::string name = metric.name;
  const Summary& s = metric.summary;
  return block_rule(metric.title, '-') + block_line("Mean " + name + " (ms):", s.mean) +
         block_line("Median " + name + " (ms):", s.median) + block_line("P95 " + name + " (ms):", s.p95) +
         block_line("P99 " + name + " (ms):", s.p99);
}

void add_metric(Json& json, const Metric& metric) {
  const std::string key = metric.key;
  json["mean_" + key + "_ms"] = metric.summary.mean;
  json["median_" + key + "_ms"] = metric.summary.median;
  json["std_" + key + "_ms"] = metric.summary.std;
  json["p95_" + key + "_ms"] = metric.summary.p95;
  json["p99_" + key + "_ms"] = metric.summary.p99;
}

/// "2026-11-25T01:44:04Z" as "20261125-014404".
std::string date_of(const std::string& started_at) {
  std::string date;
  for (const char c : started_at) {
    if (c >= '0' && c <= '9') date += c;
    if (c == 'T') date += '-';
  }
  return date;
}

/// 1 is Poisson; null where arrivals are no gamma process.
Json burstiness_of(const std::string& arrivals) {
  const std::string gamma = "gamma burstiness ";
  if (arrivals == "poisson") return 1.0;
  if (!arrivals.starts_with(gamma)) return nullptr;
  double value = 0;
  const char* const end = arrivals.data() + arrivals.size();
  return std::from_chars(arrivals.data() + gamma.size(), end, value).ec == std::errc() ? Json(value) : Json();
}

bool has_goodput(const LoadLimits& limits) {
  return limits.ttft_s > 0 || limits.tpot_s > 0 || limits.e2e_s > 0;
}

Json setup_json(const LoadSetup& setup, const RunTotals& t) {
  return {{"date", date_of(setup.started_at)},
          {"endpoint_type", backend_of(setup)},
          {"backend", backend_of(setup)},
          {"label", "drawbridge"},
          {"model_id", setup.model},
          {"tokenizer_id", setup.output_counted_by},
          {"num_prompts", t.completed + t.failed},
          {"request_rate", setup.rate_rps > 0 ? Json(setup.rate_rps) : Json("inf")},
          {"burstiness", burstiness_of(setup.arrivals)},
          {"max_concurrency", setup.max_concurrency > 0 ? Json(setup.max_concurrency) : Json()}};
}

}  // namespace

std::string vllm_block(const LoadReport& report, size_t point) {
  const LoadSetup& setup = report.runs[point].setup;
  const LoadLimits limits = report.options.limits();
  const RunTotals t = total_run(report.runs[point], limits);
  std::string text = block_rule(" Serving Benchmark Result ", '=');
  text += block_line("Successful requests:", t.completed);
  text += block_line("Failed requests:", t.failed);
  if (setup.max_concurrency > 0) text += block_line("Maximum request concurrency:", setup.max_concurrency);
  if (setup.rate_rps > 0) text += block_line("Request rate configured (RPS):", setup.rate_rps);
  text += block_line("Benchmark duration (s):", t.duration_s);
  text += block_line("Total input tokens:", t.n_input);
  text += block_line("Total generated tokens:", t.n_output);
  text += block_line("Request throughput (req/s):", t.rate(t.completed));
  if (has_goodput(limits)) text += block_line("Request goodput (req/s):", t.rate(t.n_good));
  text += block_line("Output token throughput (tok/s):", t.rate(t.n_output));
  text += block_line("Peak output token throughput (tok/s):", t.peak_tok_s);
  text += block_line("Peak concurrent requests:", static_cast<double>(t.peak_concurrency));
  text += block_line("Total token throughput (tok/s):", t.rate(t.n_input + t.n_output));
  for (const Metric& metric : metrics_of(setup, t)) text += metric_lines(metric);
  if (t.accept_length > 0) {
    text += block_rule("Speculative Decoding", '-') + block_line("Acceptance length:", t.accept_length);
  }
  return text + block_rule("", '=');
}

Json vllm_json(const LoadReport& report, size_t point) {
  const LoadSetup& setup = report.runs[point].setup;
  const LoadLimits limits = report.options.limits();
  const RunTotals t = total_run(report.runs[point], limits);
  Json json = setup_json(setup, t);
  json.update({{"duration", t.duration_s},
               {"completed", t.completed},
               {"failed", t.failed},
               {"total_input_tokens", t.n_input},
               {"total_output_tokens", t.n_output},
               {"request_throughput", t.rate(t.completed)},
               {"request_goodput", has_goodput(limits) ? Json(t.rate(t.n_good)) : Json()},
               {"output_throughput", t.rate(t.n_output)},
               {"total_token_throughput", t.rate(t.n_input + t.n_output)},
               {"max_output_tokens_per_s", t.peak_tok_s},
               {"max_concurrent_requests", t.peak_concurrency}});
  if (t.accept_length > 0) json["spec_decode_acceptance_length"] = t.accept_length;
  for (const Metric& metric : metrics_of(setup, t)) add_metric(json, metric);
  return json;
}

}  // namespace drawbridge
