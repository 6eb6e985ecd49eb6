#include "verdict/figures.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "verdict/distribution.h"
#include "verdict/latency.h"
#include "verdict/timeline.h"

namespace drawbridge {
namespace {

constexpr size_t kRateBins = 100;

/// Measured requests due in the window.
std::vector<const RequestRecord*> requests_in(const LoadRun& run, const SteadyWindow& window) {
  std::vector<const RequestRecord*> found = measured_requests(run);
  std::erase_if(found, [&](const RequestRecord* r) { return !window.holds(r->due_s); });
  return found;
}

std::vector<double> levels_of(const LoadLimits& limits) {
  const std::set<double> levels = {0.5, 0.9, 0.95, 0.99, limits.ttft_percentile / 100};
  return {levels.begin(), levels.end()};
}

bool is_good(const RequestRecord& r, const LoadSetup& setup, const LoadLimits& limits) {
  const auto meets = [](double value, double limit) { return limit <= 0 || std::isnan(value) || value <= limit; };
  return r.succeeded() && meets(ttft_s(r), limits.ttft_s) && meets(e2e_s(r), limits.e2e_s) &&
         meets(tpot_s(r, answer_tokens(r, setup)), limits.tpot_s);
}

void count_requests(const std::vector<const RequestRecord*>& requests, const LoadSetup& setup, const LoadLimits& limits,
                    Figures& f) {
  double n_good = 0, n_input = 0, n_output = 0, n_all_input = 0;
  for (const RequestRecord* r : requests) {
    n_all_input += static_cast<double>(prompt_tokens(*r));
    n_good += is_good(*r, setup, limits) ? 1 : 0;
    if (!r->succeeded()) {
      ++f.failures[r->error];
      continue;
    }
    ++f.n_succeeded;
    n_input += static_cast<double>(prompt_tokens(*r));
    n_output += static_cast<double>(answer_tokens(*r, setup));
  }
  f.n_requests = static_cast<int64_t>(requests.size());
  const double length_s = f.window.length_s();
  f.due_rps = static_cast<double>(f.n_requests) / length_s;
  f.input_tok_s = n_all_input / length_s;
  f.goodput_rps = n_good / length_s;
  f.good_share = f.n_requests > 0 ? n_good / static_cast<double>(f.n_requests) : 0;
  if (f.n_succeeded == 0) return;
  f.prompt_length = n_input / static_cast<double>(f.n_succeeded);
  f.output_length = n_output / static_cast<double>(f.n_succeeded);
}

void count_cached(const std::vector<const RequestRecord*>& requests, Figures& f) {
  double designed = 0, prompts = 0, reported = 0, prompts_reported = 0, accepted = 0, n_accepted = 0;
  for (const RequestRecord* r : requests) {
    if (!r->succeeded()) continue;
    designed += static_cast<double>(r->n_cached_designed);
    prompts += static_cast<double>(r->n_prompt_designed);
    if (r->n_cached_reported >= 0) {
      reported += static_cast<double>(r->n_cached_reported);
      prompts_reported += static_cast<double>(prompt_tokens(*r));
    }
    if (!std::isnan(r->accept_length)) {
      accepted += r->accept_length;
      n_accepted += 1;
    }
  }
  if (prompts > 0) f.cached_designed = designed / prompts;
  if (prompts_reported > 0) f.cached_reported = reported / prompts_reported;
  if (n_accepted > 0) f.accept_length = accepted / n_accepted;
}

/// The server's own account of the run, from its /metrics.
void take_counters(const LoadRun& run, Figures& f) {
  const auto drafts = run.counted(&ServerCounters::draft_steps);
  const auto accepted = run.counted(&ServerCounters::accepted_drafts);
  if (!f.accept_length && drafts && accepted && *drafts > 0) f.accept_length = 1 + *accepted / *drafts;
  if (!f.accept_length) f.accept_length = run.after.accept_length;
  if (run.duration_s <= 0) return;
  const auto input_s = run.counted(&ServerCounters::busy_input_s);
  const auto output_s = run.counted(&ServerCounters::busy_output_s);
  if (input_s) f.busy_input = *input_s / run.duration_s;
  if (output_s) f.busy_output = *output_s / run.duration_s;
}

/// Sums of bins as a mean rate with its interval.
Estimate rate_of(Bins bins, uint64_t seed) {
  for (double& value : bins.values) value /= bins.width_s;
  return mean_estimate(bins.values, seed);
}

std::vector<double> all_itls(const LoadRun& run, const SteadyWindow& window) {
  std::vector<double> gaps;
  for (const RequestRecord* r : requests_in(run, window)) {
    if (!r->succeeded()) continue;
    const std::vector<double> more = itls_s(*r);
    gaps.insert(gaps.end(), more.begin(), more.end());
  }
  return gaps;
}

}  // namespace

std::vector<double> latencies(const LoadRun& run, const SteadyWindow& window, double (*latency)(const RequestRecord&)) {
  std::vector<double> values;
  for (const RequestRecord* r : requests_in(run, window)) {
    const double value = r->succeeded() ? latency(*r) : kNever;
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
}

std::vector<double> tpots(const LoadRun& run, const SteadyWindow& window) {
  std::vector<double> values;
  for (const RequestRecord* r : requests_in(run, window)) {
    const double value = r->succeeded() ? tpot_s(*r, answer_tokens(*r, run.setup)) : kNever;
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
}

Figures measure(const LoadRun& run, const LoadLimits& limits, uint64_t seed) {
  Figures f;
  f.window = steady_window(run, seed);
  f.offered_rps = run.setup.rate_rps;
  const std::vector<double> levels = levels_of(limits);
  f.ttft = distribution_of(latencies(run, f.window, ttft_s), levels, seed);
  f.ttft_sent = distribution_of(latencies(run, f.window, ttft_sent_s), levels, seed);
  f.tpot = distribution_of(tpots(run, f.window), levels, seed);
  f.itl = summary_of(all_itls(run, f.window), levels);
  f.e2e = distribution_of(latencies(run, f.window, e2e_s), levels, seed);
  if (f.window.length_s() <= 0) return f;
  const std::vector<const RequestRecord*> requests = requests_in(run, f.window);
  count_requests(requests, run.setup, limits, f);
  count_cached(requests, f);
  take_counters(run, f);
  const Bins bins = make_bins(f.window.begin_s, f.window.end_s, kRateBins);
  f.sustained_rps = rate_of(completions_over(run, bins), seed);
  f.output_tok_s = rate_of(output_tokens_over(run, bins), seed);
  const InFlight in_flight(run, InFlight::From::kSent);
  f.mean_concurrency = in_flight.mean(f.window.begin_s, f.window.end_s);
  f.peak_concurrency = in_flight.peak();
  return f;
}

}  // namespace drawbridge
