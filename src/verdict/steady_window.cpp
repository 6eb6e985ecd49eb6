#include "verdict/steady_window.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "stats/change_point.h"
#include "verdict/latency.h"
#include "verdict/timeline.h"

namespace drawbridge {
namespace {

constexpr size_t kMostBins = 40;

double mean_e2e_s(const std::vector<const RequestRecord*>& requests) {
  double sum = 0, n = 0;
  for (const RequestRecord* r : requests) {
    if (!r->succeeded()) continue;
    sum += e2e_s(*r);
    n += 1;
  }
  return n > 0 ? sum / n : 0;
}

std::vector<double> in_flight_means(const LoadRun& run, const Bins& bins) {
  const InFlight in_flight(run, InFlight::From::kDue);
  std::vector<double> means;
  for (size_t i = 0; i < bins.values.size(); ++i) {
    const double from_s = bins.begin_s + bins.width_s * static_cast<double>(i);
    means.push_back(in_flight.mean(from_s, from_s + bins.width_s));
  }
  return means;
}

/// A bin without an answer repeats the one before it.
std::vector<double> ttft_means(const std::vector<const RequestRecord*>& requests, Bins sums) {
  Bins counts = sums;
  for (const RequestRecord* r : requests) {
    if (!r->succeeded()) continue;
    sums.add(r->due_s, ttft_s(*r));
    counts.add(r->due_s, 1);
  }
  std::vector<double> means;
  for (size_t i = 0; i < sums.values.size(); ++i) {
    const double before = means.empty() ? 0 : means.back();
    means.push_back(counts.values[i] > 0 ? sums.values[i] / counts.values[i] : before);
  }
  return means;
}

/// Bins of two mean answers at least: what is in flight in one then says little of the next.
std::optional<double> change_behind(const LoadRun& run, const std::vector<const RequestRecord*>& requests,
                                    double begin_s, double end_s, double answer_s, uint64_t seed) {
  if (end_s <= begin_s || answer_s <= 0) return std::nullopt;
  const double most = (end_s - begin_s) / (2 * answer_s);
  const size_t n = std::min(kMostBins, static_cast<size_t>(std::max(1.0, most)));
  const Bins bins = make_bins(begin_s, end_s, n);
  size_t latest = 0;
  for (const std::vector<double>& series : {in_flight_means(run, bins), ttft_means(requests, bins)}) {
    latest = std::max(latest, change_point(series, n / 2, seed).value_or(0));
  }
  if (latest == 0) return std::nullopt;
  return begin_s + bins.width_s * static_cast<double>(latest);
}

}  // namespace

SteadyWindow steady_window(const LoadRun& run, uint64_t seed) {
  SteadyWindow window;
  const std::vector<const RequestRecord*> requests = measured_requests(run);
  if (requests.empty()) return window;
  const double first_s = requests.front()->due_s, span_s = run.arrivals_end_s - first_s;
  const double answer_s = mean_e2e_s(requests);
  if (span_s <= 0) {  // a batch: nothing of it is steady, all of it is told
    window = {first_s, last_end_s(run), first_s, {}, 0, static_cast<int64_t>(requests.size()), 0};
    return window;
  }
  window.fill_s = first_s + std::min(answer_s, span_s / 4);
  window.end_s = run.arrivals_end_s;
  window.change_s = change_behind(run, requests, window.fill_s, window.end_s, answer_s, seed);
  window.begin_s = window.change_s.value_or(window.fill_s);
  window.drain_s = std::max(0.0, last_end_s(run) - run.arrivals_end_s);
  for (const RequestRecord* r : requests) {
    window.n_warmup += r->due_s < window.begin_s ? 1 : 0;
    window.n_steady += window.holds(r->due_s) ? 1 : 0;
  }
  return window;
}

}  // namespace drawbridge
