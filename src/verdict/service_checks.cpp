#include <fmt/format.h>

#include <cmath>

#include "stats/slope.h"
#include "verdict/checks.h"
#include "verdict/latency.h"
#include "verdict/timeline.h"

namespace drawbridge {
namespace {

constexpr CheckKind kService = CheckKind::kService;

std::string failure_list(const Figures& f) {
  std::string text;
  for (const auto& [reason, n] : f.failures) text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", n, reason);
  return text;
}

Check check_limit(const std::string& name, const std::string& what, const Percentile& p, double limit_s) {
  Check check{name, kService, LoadVerdict::kPass, fmt::format("p{:g} {} at most {:g} s", 100 * p.level, what, limit_s),
              "",   ""};
  if (!p.estimate.value || !p.estimate.interval) {
    check.found = fmt::format("fewer than {} answers", p.n_needed);
    return check.with(LoadVerdict::kInsufficient,
                      fmt::format("Not enough samples for p{:g}: run longer.", 100 * p.level));
  }
  const Interval& interval = *p.estimate.interval;
  check.found = fmt::format("{:.4g} s ({:.4g} to {:.4g})", *p.estimate.value, interval.low, interval.high);
  if (interval.high <= limit_s) return check;
  if (interval.low > limit_s) return check.with(LoadVerdict::kFail, "This load is beyond what the limit allows.");
  return check.with(LoadVerdict::kInsufficient, "The interval holds the limit: run longer to tell.");
}

/// Answers behind warm-up, in order of due_s: when due, how many were in flight then, how long to the first token.
struct Growth {
  std::vector<double> due_s, in_flight, ttft;
  double n_slow = 0;
};

Growth growth_of(const LoadRun& run, double from_s) {
  constexpr double kSlow_s = 2.5;
  const InFlight in_flight(run, InFlight::From::kDue);
  Growth g;
  for (const RequestRecord* r : measured_requests(run)) {
    if (r->due_s < from_s || std::isnan(r->first_token_s)) continue;
    g.due_s.push_back(r->due_s);
    g.in_flight.push_back(static_cast<double>(in_flight.at(r->due_s)));
    g.ttft.push_back(ttft_s(*r));
    g.n_slow += g.ttft.back() > kSlow_s ? 1 : 0;
  }
  return g;
}

}  // namespace

Check check_success(const CheckInput& in) {
  constexpr double kFewest = 0.99;
  const Figures& f = in.figures;
  Check check{"success",
              kService,
              LoadVerdict::kPass,
              fmt::format("at least {:.0f} % succeed", 100 * kFewest),
              fmt::format("{} of {} ({:.2f} %)", f.n_succeeded, f.n_requests, 100 * f.success()),
              ""};
  if (!f.failures.empty()) check.found += ": " + failure_list(f);
  if (f.n_requests == 0) return check.with(LoadVerdict::kInsufficient, "Run longer.");
  if (f.success() >= kFewest) return check;
  return check.with(LoadVerdict::kFail, "Latencies of those that succeeded flatter: see the failures' reasons.");
}

Check check_saturation(const CheckInput& in) {
  constexpr double kShortest_s = 30;
  Check check{"saturation", kService, LoadVerdict::kPass, "neither requests in flight nor TTFT grow", "", ""};
  if (in.run.setup.rate_rps <= 0) {
    check.found = "closed loop: the load gives way";
    return check;
  }
  const Growth g = growth_of(in.run, in.figures.window.fill_s);
  const double span_s = in.run.arrivals_end_s - in.figures.window.fill_s;
  const auto n = static_cast<double>(g.due_s.size());
  const double effective_n = std::min(span_s, n);  // answers of one second tell the same
  const auto queue = fit_slope(g.due_s, g.in_flight, effective_n, kConfidence);
  const auto ttft = fit_slope(g.due_s, g.ttft, effective_n, kConfidence);
  if (span_s < kShortest_s || !queue || !ttft) {
    check.found = fmt::format("{:.0f} answers in {:.1f} s", n, span_s);
    return check.with(LoadVerdict::kInsufficient, fmt::format("Offer the load for at least {:.0f} s.", kShortest_s));
  }
  check.found = fmt::format(
      "in flight {:+.3g} a second ({:+.3g} to {:+.3g}), TTFT {:+.3g} s a second ({:+.3g} to "
      "{:+.3g}), {:.0f} % over 2.5 s",
      queue->value, queue->interval.low, queue->interval.high, ttft->value, ttft->interval.low, ttft->interval.high,
      100 * g.n_slow / n);
  if (!queue->is_positive() || !ttft->is_positive() || g.n_slow <= n / 2) return check;
  return check.with(LoadVerdict::kFail, "The queue grows as long as the load lasts: this rate cannot be sustained.");
}

std::vector<Check> check_limits(const CheckInput& in) {
  const double level = in.limits.ttft_percentile / 100;
  std::vector<Check> checks;
  if (in.limits.ttft_s > 0) checks.push_back(check_limit("ttft", "TTFT", in.figures.ttft.at(level), in.limits.ttft_s));
  if (in.limits.tpot_s > 0) checks.push_back(check_limit("tpot", "TPOT", in.figures.tpot.at(level), in.limits.tpot_s));
  if (in.limits.e2e_s > 0) checks.push_back(check_limit("e2e", "E2E", in.figures.e2e.at(level), in.limits.e2e_s));
  return checks;
}

std::vector<Check> check_point(const CheckInput& in) {
  std::vector<Check> checks = {
      check_complete(in),      check_arrivals(in),    check_lateness(in), check_generator(in), check_prompt_length(in),
      check_output_length(in), check_throughput(in),  check_tokens(in),   check_cache(in),     check_clocks(in),
      check_streaming(in),     check_littles_law(in), check_samples(in),  check_success(in),   check_saturation(in)};
  for (Check& check : check_limits(in)) checks.push_back(std::move(check));
  return checks;
}

}  // namespace drawbridge
