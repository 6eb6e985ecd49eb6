// The block that `python -m sglang.bench_serving` prints, and its line of JSON.
#include "verdict/run_totals.h"

namespace drawbridge {
namespace {

std::string backend_of(const LoadSetup& setup) {
  return setup.endpoint.find("chat") != std::string::npos ? "sglang-oai-chat" : "sglang-oai";
}

void add_summary(Json& json, const std::string& name, const Summary& s) {
  json["mean_" + name + "_ms"] = s.mean;
  json["median_" + name + "_ms"] = s.median;
  json["std_" + name + "_ms"] = s.std;
  json["p99_" + name + "_ms"] = s.p99;
}

std::string latency_lines(const std::string& title, const std::string& name, const Summary& s) {
  return block_rule(title, '-') + block_line("Mean " + name + " (ms):", s.mean) +
         block_line("Median " + name + " (ms):", s.median) + block_line("P99 " + name + " (ms):", s.p99);
}

std::string itl_lines(const Summary& s) {
  return block_rule("Inter-Token Latency", '-') + block_line("Mean ITL (ms):", s.mean) +
         block_line("Median ITL (ms):", s.median) + block_line("P95 ITL (ms):", s.p95) +
         block_line("P99 ITL (ms):", s.p99) + block_line("Max ITL (ms):", s.max);
}

Json setup_json(const LoadSetup& setup, const RunTotals& t) {
  return {{"backend", backend_of(setup)},
          {"dataset_name", setup.workload},
          {"request_rate", setup.rate_rps > 0 ? Json(setup.rate_rps) : Json("inf")},
          {"max_concurrency", setup.max_concurrency > 0 ? Json(setup.max_concurrency) : Json()},
          {"sharegpt_output_len", nullptr},
          {"random_input_len", t.mean_input},
          {"random_output_len", t.mean_output},
          {"random_range_ratio", nullptr}};
}

}  // namespace

std::string sglang_block(const LoadReport& report, size_t point) {
  const LoadRun& run = report.runs[point];
  const RunTotals t = total_run(run, report.options.limits());
  const int64_t cap = run.setup.max_concurrency;
  std::string text = "\n" + block_rule(" Serving Benchmark Result ", '=');
  text += block_line("Backend:", backend_of(run.setup));
  text += block_line("Traffic request rate:", python_rate(run.setup.rate_rps));
  text += block_line("Max request concurrency:", cap > 0 ? std::to_string(cap) : "not set");
  text += block_line("Successful requests:", t.completed);
  text += block_line("Benchmark duration (s):", t.duration_s);
  text += block_line("Total input tokens:", t.n_input);
  text += block_line("Total generated tokens:", t.n_output);
  text += block_line("Total generated tokens (retokenized):", t.n_counted);
  text += block_line("Request throughput (req/s):", t.rate(t.completed));
  text += block_line("Input token throughput (tok/s):", t.rate(t.n_input));
  text += block_line("Output token throughput (tok/s):", t.rate(t.n_output));
  text += block_line("Total token throughput (tok/s):", t.rate(t.n_input + t.n_output));
  text += block_line("Concurrency:", t.mean_concurrency);
  if (t.accept_length > 0) text += block_line("Accept length:", t.accept_length);
  text += latency_lines("End-to-End Latency", "E2E Latency", t.e2e);
  text += latency_lines("Time to First Token", "TTFT", t.ttft);
  return text + itl_lines(t.itl) + block_rule("", '=');
}

Json sglang_json(const LoadReport& report, size_t point) {
  const LoadRun& run = report.runs[point];
  const RunTotals t = total_run(run, report.options.limits());
  Json json = setup_json(run.setup, t);
  json.update({{"duration", t.duration_s},
               {"completed", t.completed},
               {"total_input_tokens", t.n_input},
               {"total_output_tokens", t.n_output},
               {"total_output_tokens_retokenized", t.n_counted},
               {"request_throughput", t.rate(t.completed)},
               {"input_throughput", t.rate(t.n_input)},
               {"output_throughput", t.rate(t.n_output)},
               {"total_throughput", t.rate(t.n_input + t.n_output)}});
  add_summary(json, "e2e_latency", t.e2e);
  add_summary(json, "ttft", t.ttft);
  add_summary(json, "tpot", t.tpot);
  add_summary(json, "itl", t.itl);
  json["p95_itl_ms"] = t.itl.p95;
  json["max_itl_ms"] = t.itl.max;
  json["concurrency"] = t.mean_concurrency;
  json["accept_length"] = t.accept_length > 0 ? Json(t.accept_length) : Json();
  return json;
}

}  // namespace drawbridge
