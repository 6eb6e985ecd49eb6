#include "verdict/timeline.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "verdict/latency.h"

namespace drawbridge {

InFlight::InFlight(const LoadRun& run, From from) {
  std::vector<std::pair<double, int64_t>> events;  // departures sort before arrivals at one time
  for (const RequestRecord* r : measured_requests(run)) {
    const double begin_s = from == From::kSent ? r->sent_s : r->due_s;
    if (std::isnan(begin_s)) continue;
    events.emplace_back(begin_s, 1);
    if (!std::isnan(r->end_s)) events.emplace_back(r->end_s, -1);
  }
  std::sort(events.begin(), events.end());
  int64_t n = 0;
  for (const auto& [at_s, change] : events) {
    n += change;
    steps_.push_back({at_s, n});
  }
}

int64_t InFlight::at(double time_s) const {
  const auto next = std::upper_bound(steps_.begin(), steps_.end(), time_s,
                                     [](double time, const Step& step) { return time < step.at_s; });
  return next == steps_.begin() ? 0 : std::prev(next)->n;
}

double InFlight::mean(double begin_s, double end_s) const {
  if (end_s <= begin_s) return 0;
  double area = 0, from_s = begin_s;
  auto n = static_cast<double>(at(begin_s));
  for (const Step& step : steps_) {
    if (step.at_s <= begin_s) continue;
    if (step.at_s >= end_s) break;
    area += n * (step.at_s - from_s);
    from_s = step.at_s;
    n = static_cast<double>(step.n);
  }
  return (area + n * (end_s - from_s)) / (end_s - begin_s);
}

int64_t InFlight::peak() const {
  int64_t most = 0;
  for (const Step& step : steps_) most = std::max(most, step.n);
  return most;
}

Bins make_bins(double begin_s, double end_s, size_t n) {
  DB_CHECK(n > 0 && end_s > begin_s);
  return {begin_s, (end_s - begin_s) / static_cast<double>(n), std::vector<double>(n, 0.0)};
}

void Bins::add(double time_s, double value) {
  const double place = (time_s - begin_s) / width_s;
  const auto n = static_cast<double>(values.size());
  if (!(place >= 0 && place <= n)) return;  // also where the time never came
  values[std::min(static_cast<size_t>(place), values.size() - 1)] += value;
}

Bins output_tokens_over(const LoadRun& run, Bins bins) {
  for (const RequestRecord* r : measured_requests(run)) {
    const auto n_tokens = static_cast<double>(answer_tokens(*r, run.setup));
    double n_bytes = 0;
    for (const AnswerPiece& piece : r->pieces) n_bytes += piece.n_bytes;
    if (n_bytes <= 0) {
      bins.add(r->end_s, n_tokens);  // no pieces: it came whole
      continue;
    }
    for (const AnswerPiece& piece : r->pieces) bins.add(piece.at_s, n_tokens * piece.n_bytes / n_bytes);
  }
  return bins;
}

Bins arrivals_over(const LoadRun& run, Bins bins) {
  for (const RequestRecord* r : measured_requests(run)) bins.add(r->due_s, 1);
  return bins;
}

Bins completions_over(const LoadRun& run, Bins bins) {
  for (const RequestRecord* r : measured_requests(run)) {
    if (r->succeeded()) bins.add(r->end_s, 1);
  }
  return bins;
}

}  // namespace drawbridge
