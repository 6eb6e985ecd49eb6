#include "verdict/run_totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/quantile.h"
#include "verdict/latency.h"
#include "verdict/timeline.h"

namespace drawbridge {
namespace {

/// In ms; zeros for no value, as numpy of [0] gives.
Summary summarize(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  Summary s;
  for (double& value : values) {
    value *= 1000;
    s.mean += value / n;
  }
  double squares = 0;
  for (const double value : values) squares += (value - s.mean) * (value - s.mean);
  s.std = std::sqrt(squares / n);
  s.median = quantile_of(values, 0.5);
  s.p95 = quantile_of(values, 0.95);
  s.p99 = quantile_of(values, 0.99);
  s.max = values.back();
  return s;
}

struct Samples {
  std::vector<double> e2e, ttft, tpot, itl, queue, e2e_queue;
};

void add_sample(const RequestRecord& r, int64_t n_output, Samples& s) {
  s.e2e.push_back(e2e_sent_s(r));
  s.ttft.push_back(ttft_sent_s(r));
  s.queue.push_back(lateness_s(r));
  s.e2e_queue.push_back(e2e_s(r));
  if (n_output > 1) s.tpot.push_back((r.end_s - r.first_token_s) / static_cast<double>(n_output - 1));
  const std::vector<double> gaps = itls_s(r);
  s.itl.insert(s.itl.end(), gaps.begin(), gaps.end());
}

bool is_good(const Samples& s, bool has_tpot, const LoadLimits& limits) {
  const auto meets = [](double value, double limit) { return limit <= 0 || value <= limit; };
  return meets(s.ttft.back(), limits.ttft_s) && meets(s.e2e.back(), limits.e2e_s) &&
         (!has_tpot || meets(s.tpot.back(), limits.tpot_s));
}

double peak_tokens(const LoadRun& run) {
  const double seconds = std::ceil(last_end_s(run));
  if (seconds < 1) return 0;
  const Bins bins = output_tokens_over(run, make_bins(0, seconds, static_cast<size_t>(seconds)));
  return *std::max_element(bins.values.begin(), bins.values.end());
}

void count_answer(const RequestRecord& r, RunTotals& t) {
  ++t.completed;
  t.n_input += prompt_tokens(r);
  t.n_output += r.n_output_reported >= 0 ? r.n_output_reported : std::max<int64_t>(0, client_tokens(r));
  t.n_counted += std::max<int64_t>(0, client_tokens(r));
}

}  // namespace

RunTotals total_run(const LoadRun& run, const LoadLimits& limits) {
  RunTotals t;
  t.duration_s = run.duration_s;
  Samples samples;
  double in_flight_s = 0, accepted = 0, n_accepted = 0, n = 0;
  for (const RequestRecord* r : measured_requests(run)) {
    t.mean_input += static_cast<double>(r->n_prompt_designed);
    t.mean_output += static_cast<double>(r->n_output_designed);
    n += 1;
    if (!r->succeeded()) {
      ++t.failed;
      continue;
    }
    count_answer(*r, t);
    const int64_t n_output = answer_tokens(*r, run.setup);
    add_sample(*r, n_output, samples);
    t.n_good += is_good(samples, n_output > 1, limits) ? 1 : 0;
    in_flight_s += e2e_sent_s(*r);
    accepted += std::isnan(r->accept_length) ? 0 : r->accept_length;
    n_accepted += std::isnan(r->accept_length) ? 0 : 1;
  }
  if (n > 0) t.mean_input /= n;
  if (n > 0) t.mean_output /= n;
  if (n_accepted > 0) t.accept_length = accepted / n_accepted;
  t.mean_concurrency = t.rate(in_flight_s);
  t.peak_concurrency = InFlight(run, InFlight::From::kSent).peak();
  t.peak_tok_s = peak_tokens(run);
  t.e2e = summarize(std::move(samples.e2e));
  t.ttft = summarize(std::move(samples.ttft));
  t.tpot = summarize(std::move(samples.tpot));
  t.itl = summarize(std::move(samples.itl));
  t.queue = summarize(std::move(samples.queue));
  t.e2e_queue = summarize(std::move(samples.e2e_queue));
  return t;
}

std::string block_rule(const std::string& title, char fill) {
  return fill == '=' ? fmt::format("{:=^50}\n", title) : fmt::format("{:-^50}\n", title);
}

std::string block_line(const std::string& label, const std::string& value) {
  return fmt::format("{:<40} {:<10}\n", label, value);
}

std::string block_line(const std::string& label, int64_t value) {
  return fmt::format("{:<40} {:<10}\n", label, value);
}

std::string block_line(const std::string& label, double value) {
  return fmt::format("{:<40} {:<10.2f}\n", label, value);
}

std::string python_rate(double rate_rps) {
  if (rate_rps <= 0) return "inf";
  const std::string text = fmt::format("{}", rate_rps);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

}  // namespace drawbridge
