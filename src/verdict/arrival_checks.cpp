#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "stats/quantile.h"
#include "verdict/checks.h"
#include "verdict/latency.h"

namespace drawbridge {
namespace {

constexpr CheckKind kMeasurement = CheckKind::kMeasurement;

bool is_open_loop(const LoadSetup& setup) {
  return setup.rate_rps > 0;
}

/// Requests that nothing but the client held back: a turn rightly waits for the answer to the turn before it.
std::vector<const RequestRecord*> free_to_go(const LoadRun& run) {
  std::map<int64_t, double> ended_s;  // of the last turn of each conversation
  std::vector<const RequestRecord*> found;
  for (const RequestRecord* r : measured_requests(run)) {
    const auto before = r->conversation < 0 ? ended_s.end() : ended_s.find(r->conversation);
    if (before == ended_s.end() || before->second < r->due_s) found.push_back(r);
    if (r->conversation >= 0) ended_s[r->conversation] = r->end_s;
  }
  return found;
}

/// Standard deviation of the gaps over their mean: 1 for Poisson arrivals, 0 for even ones.
double gap_variation(const std::vector<const RequestRecord*>& requests) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(requests.size() - 1);
  for (size_t i = 1; i < requests.size(); ++i) {
    const double gap = requests[i]->due_s - requests[i - 1]->due_s;
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / n;
  return mean > 0 ? std::sqrt(std::max(0.0, squares / n - mean * mean)) / mean : 0;
}

/// Sends that came right behind the end of another answer, and the share that chance alone would put there.
struct Following {
  double n_sent = 0, n_following = 0, by_chance = 0;

  double share() const { return n_following / std::max(1.0, n_sent); }
  /// By so much more than chance, and more often than a sender that looks at no answer.
  bool exceeds_chance_by(double excess) const {
    const double error = std::sqrt(by_chance * (1 - by_chance) / std::max(1.0, n_sent));
    return share() - by_chance > std::max(excess, 5 * error);
  }
};

Following sends_behind_ends(const LoadRun& run, const std::vector<const RequestRecord*>& requests) {
  constexpr double kBehind_s = 0.005;
  std::vector<double> ends, sends;
  for (const RequestRecord* r : measured_requests(run)) {
    if (!std::isnan(r->end_s)) ends.push_back(r->end_s);
  }
  for (const RequestRecord* r : requests) {
    if (!std::isnan(r->sent_s)) sends.push_back(r->sent_s);
  }
  if (sends.empty()) return {};
  std::sort(ends.begin(), ends.end());
  std::sort(sends.begin(), sends.end());
  Following f;
  double behind_s = 0, covered_s = sends.front();
  for (const double end : ends) {
    const double from = std::max(end, covered_s), to = std::min(end + kBehind_s, sends.back());
    behind_s += std::max(0.0, to - from);
    covered_s = std::max(covered_s, to);
  }
  for (const double send : sends) {
    const auto next = std::upper_bound(ends.begin(), ends.end(), send);
    if (next != ends.begin() && send - *std::prev(next) < kBehind_s) f.n_following += 1;
  }
  f.n_sent = static_cast<double>(sends.size());
  const double span_s = sends.back() - sends.front();
  f.by_chance = span_s > 0 ? std::min(1.0, behind_s / span_s) : 1;
  return f;
}

}  // namespace

Check check_complete(const CheckInput& in) {
  const Check check{"complete", kMeasurement, LoadVerdict::kPass, "the run went to its end", "it did", ""};
  if (!in.run.was_stopped) return check;
  Check stopped = check.with(LoadVerdict::kInsufficient, "Run it again to its end, or with fewer requests.");
  stopped.found = "stopped: " + in.run.stop_reason;
  return stopped;
}

Check check_arrivals(const CheckInput& in) {
  const LoadSetup& setup = in.run.setup;
  const std::vector<const RequestRecord*> requests = measured_requests(in.run);
  Check check{"arrivals", kMeasurement, LoadVerdict::kPass, "requests come due at the rate that is claimed", "", ""};
  const double span_s = in.run.arrivals_end_s;
  if (requests.size() < 2 || span_s <= 0) {
    check.found = fmt::format("{} requests, due at once", requests.size());
    return check.with(LoadVerdict::kInsufficient,
                      "Offer a rate or a concurrency over time: a batch that drains has no steady state.");
  }
  if (!is_open_loop(setup)) {
    check.found = fmt::format("closed loop of {}: no rate is claimed", setup.max_concurrency);
    return check;
  }
  const auto n = static_cast<double>(requests.size());
  const double achieved = n / span_s, variation = gap_variation(requests);
  const double allowed = std::max(0.01, 3 * variation / std::sqrt(n));  // what chance does to a renewal process
  check.wanted = fmt::format("{:g} requests/s due, within {:.1f} %", setup.rate_rps, 100 * allowed);
  check.found = fmt::format("{:.4g} requests/s over {:.0f} s ({})", achieved, span_s, setup.arrivals);
  const bool is_even = setup.arrivals.starts_with("constant");
  if (is_even && variation > 0.01) {
    return check.with(LoadVerdict::kFail, "Arrivals that should be even are not: the schedule was not kept.");
  }
  if (std::abs(achieved / setup.rate_rps - 1) > allowed) {
    return check.with(LoadVerdict::kFail,
                      "Figures belong to the rate that was found, not to the one that was asked for.");
  }
  return check;
}

Check check_lateness(const CheckInput& in) {
  constexpr double kAllowed_s = 0.010;
  const std::vector<const RequestRecord*> requests = free_to_go(in.run);
  std::vector<const RequestRecord*> late;
  std::vector<double> lateness;
  for (const RequestRecord* r : requests) {
    if (std::isnan(r->sent_s)) continue;
    lateness.push_back(lateness_s(*r));
    if (lateness.back() > kAllowed_s) late.push_back(r);
  }
  Check check{"lateness", kMeasurement, LoadVerdict::kPass, "", "", ""};
  check.wanted = fmt::format("99 % of requests sent within {:.0f} ms of when they are due, whatever answers do",
                             1000 * kAllowed_s);
  if (lateness.empty()) {
    check.found = "nothing was sent";
    return check.with(LoadVerdict::kInsufficient, "See why no request was sent.");
  }
  std::sort(lateness.begin(), lateness.end());
  const double p99_s = quantile_of(lateness, 0.99);
  check.found = fmt::format("p99 {:.1f} ms, most {:.1f} ms late", 1000 * p99_s, 1000 * lateness.back());
  if (!is_open_loop(in.run.setup)) return check;
  const bool is_late = p99_s > kAllowed_s;
  const bool is_even = in.run.setup.arrivals.starts_with("constant");  // may keep step with answers by itself
  // A client short of CPU sends what is late in bunches, ends among them; one that waits for answers sends nearly all
  // of it behind an end. Where nothing is late the schedule itself may follow answers.
  const Following f = sends_behind_ends(in.run, is_late ? late : requests);
  if ((is_late || !is_even) && f.exceeds_chance_by(is_late ? 0.5 : 0.1)) {
    check.found += fmt::format("; {:.0f} % of {}sends right behind the end of an answer, {:.0f} % by chance",
                               100 * f.share(), is_late ? "late " : "", 100 * f.by_chance);
    return check.with(LoadVerdict::kFail,
                      "The client waits for answers (coordinated omission): raise the bound on requests in flight, or "
                      "call it a closed loop.");
  }
  if (!is_late) return check;
  return check.with(LoadVerdict::kInsufficient, "The client could not keep up with its schedule: give it more CPU.");
}

Check check_generator(const CheckInput& in) {
  constexpr double kMost = 0.8;
  const Check check{"generator",
                    kMeasurement,
                    LoadVerdict::kPass,
                    fmt::format("the client takes at most {:.0f} % of its core", 100 * kMost),
                    fmt::format("{:.0f} %", 100 * in.run.generator_cpu_share),
                    ""};
  if (in.run.generator_cpu_share <= kMost) return check;
  return check.with(LoadVerdict::kInsufficient,
                    "Latencies hold the client's own delays: use a faster or a second client.");
}

}  // namespace drawbridge
