#include <fmt/format.h>

#include <cmath>

#include "load/record_json.h"
#include "verdict/latency.h"
#include "verdict/report.h"
#include "verdict/timeline.h"

namespace drawbridge {
namespace {

constexpr size_t kSampleBins = 100;

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json estimate_json(const Estimate& estimate) {
  Json json = {{"value", optional_json(estimate.value)}, {"interval_95", nullptr}};
  if (estimate.interval) json["interval_95"] = {estimate.interval->low, estimate.interval->high};
  return json;
}

Json distribution_json(const Distribution& d) {
  Json json = {{"n", d.n}, {"mean", d.mean}, {"std", d.std}, {"max", d.max}};
  for (const Percentile& p : d.percentiles) {
    Json one = estimate_json(p.estimate);
    if (!p.estimate.value) one["n_needed"] = p.n_needed;
    json[fmt::format("p{:g}", 100 * p.level)] = std::move(one);
  }
  return json;
}

Json window_json(const SteadyWindow& window) {
  return {{"begin_s", window.begin_s},
          {"end_s", window.end_s},
          {"fill_s", window.fill_s},
          {"change_s", optional_json(window.change_s)},
          {"n_warmup_excluded", window.n_warmup},
          {"n_requests", window.n_steady},
          {"drain_s", window.drain_s}};
}

Json figures_json(const Figures& f) {
  return {{"window", window_json(f.window)},
          {"n_requests", f.n_requests},
          {"n_succeeded", f.n_succeeded},
          {"success", f.success()},
          {"failures", f.failures},
          {"offered_rps", f.offered_rps},
          {"due_rps", f.due_rps},
          {"sustained_rps", estimate_json(f.sustained_rps)},
          {"output_tok_s", estimate_json(f.output_tok_s)},
          {"input_tok_s", f.input_tok_s},
          {"prompt_length", f.prompt_length},
          {"output_length", f.output_length},
          {"ttft_s", distribution_json(f.ttft)},
          {"ttft_from_sent_s", distribution_json(f.ttft_sent)},
          {"tpot_s", distribution_json(f.tpot)},
          {"itl_s", distribution_json(f.itl)},
          {"e2e_s", distribution_json(f.e2e)},
          {"goodput_rps", f.goodput_rps},
          {"good_share", f.good_share},
          {"mean_concurrency", f.mean_concurrency},
          {"peak_concurrency", f.peak_concurrency},
          {"cached_designed", f.cached_designed},
          {"cached_reported", optional_json(f.cached_reported)},
          {"accept_length", optional_json(f.accept_length)},
          {"busy_input", optional_json(f.busy_input)},
          {"busy_output", optional_json(f.busy_output)}};
}

Json check_json(const Check& check) {
  return {{"name", check.name},
          {"kind", check.kind == CheckKind::kService ? "service" : "measurement"},
          {"verdict", load_verdict_name(check.verdict)},
          {"wanted", check.wanted},
          {"found", check.found},
          {"advice", check.advice}};
}

Json checks_json(const std::vector<Check>& checks) {
  Json list = Json::array();
  for (const Check& check : checks) list.push_back(check_json(check));
  return list;
}

/// What was asked for, and how the run went as a whole.
Json run_json(const LoadRun& run) {
  Json json = setup_json(run.setup);
  json["duration_s"] = run.duration_s;
  json["generator_cpu_share"] = run.generator_cpu_share;
  json["stopped"] = run.was_stopped ? Json(run.stop_reason) : Json();
  return json;
}

/// Microseconds are all that a clock across a network can mean; the digits behind them would double the file.
Json rounded(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(std::round(value * 1e6) / 1e6);
  return list;
}

/// What a comparison resamples: latencies of the steady window in order, and its rates over time.
Json samples_json(const LoadRun& run, const SteadyWindow& window) {
  Json json = {{"ttft_s", rounded(latencies(run, window, ttft_s))},
               {"tpot_s", rounded(tpots(run, window))},
               {"e2e_s", rounded(latencies(run, window, e2e_s))},
               {"sustained_rps", Json::array()},
               {"output_tok_s", Json::array()}};
  if (window.length_s() <= 0) return json;
  const Bins bins = make_bins(window.begin_s, window.end_s, kSampleBins);
  const auto rates = [&](Bins counts) {
    for (double& value : counts.values) value /= counts.width_s;
    return rounded(counts.values);
  };
  json["sustained_rps"] = rates(completions_over(run, bins));
  json["output_tok_s"] = rates(output_tokens_over(run, bins));
  return json;
}

}  // namespace

Json report_json(const LoadReport& report) {
  const LoadReportOptions& o = report.options;
  Json points = Json::array();
  for (size_t i = 0; i < report.points.size(); ++i) {
    const JudgedPoint& point = report.points[i];
    points.push_back({{"load", offered_load(report.runs[i].setup)},
                      {"verdict", load_verdict_name(point.verdict)},
                      {"setup", run_json(report.runs[i])},
                      {"figures", figures_json(point.figures)},
                      {"checks", checks_json(point.checks)},
                      {"samples", samples_json(report.runs[i], point.figures.window)},
                      {"sglang", sglang_json(report, i)},
                      {"vllm", vllm_json(report, i)}});
  }
  return {{"kind", "drawbridge load report"},
          {"version", 1},
          {"verdict", load_verdict_name(report.verdict)},
          {"limits",
           {{"ttft_s", o.ttft_limit_s},
            {"tpot_s", o.tpot_limit_s},
            {"e2e_s", o.e2e_limit_s},
            {"percentile", o.ttft_percentile}}},
          {"bootstrap_seed", o.seed},
          {"sustained", report.best ? Json(offered_load(report.runs[*report.best].setup)) : Json()},
          {"knee", report.knee ? check_json(*report.knee) : Json()},
          {"points", std::move(points)}};
}

}  // namespace drawbridge
