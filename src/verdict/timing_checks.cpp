#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/quantile.h"
#include "verdict/checks.h"
#include "verdict/latency.h"
#include "verdict/timeline.h"

namespace drawbridge {
namespace {

constexpr CheckKind kMeasurement = CheckKind::kMeasurement;

/// The first pair of times that stands in the wrong order; empty if none does.
std::string disorder(const RequestRecord& r) {
  constexpr double kSlack_s = 1e-3;  // a timer may fire a moment before its time
  const std::pair<const char*, double> times[] = {{"due", r.due_s},
                                                  {"sent", r.sent_s},
                                                  {"headers", r.headers_s},
                                                  {"first token", r.first_token_s},
                                                  {"end", r.end_s}};
  const std::pair<const char*, double>* before = nullptr;
  for (const auto& time : times) {
    if (std::isnan(time.second)) continue;
    if (before != nullptr && time.second < before->second - kSlack_s) {
      return fmt::format("{} before {}", time.first, before->first);
    }
    before = &time;
  }
  for (size_t i = 1; i < r.pieces.size(); ++i) {
    if (r.pieces[i].at_s < r.pieces[i - 1].at_s) return "pieces out of order";
  }
  const bool lacks_time = std::isnan(r.sent_s) || std::isnan(r.first_token_s) || std::isnan(r.end_s);
  return r.succeeded() && lacks_time ? "an answer without its times" : "";
}

/// Tokens that came together, on average: 1 where each comes as it is made.
double tokens_a_burst(const RequestRecord& r, int64_t n_tokens) {
  constexpr double kAtOnce_s = 50e-6;  // no model makes tokens this fast for one stream
  const double span_s = r.pieces.back().at_s - r.pieces.front().at_s;
  const double together_s = std::max(kAtOnce_s, 0.1 * span_s / static_cast<double>(n_tokens));
  double n_bursts = 1;
  for (const double gap : itls_s(r)) n_bursts += gap > together_s ? 1 : 0;
  return static_cast<double>(n_tokens) / n_bursts;
}

double mean_e2e(const LoadRun& run, const SteadyWindow& window) {
  double sum = 0, n = 0;
  for (const RequestRecord* r : measured_requests(run)) {
    if (!window.holds(r->due_s) || std::isnan(r->end_s)) continue;
    sum += e2e_s(*r);
    n += 1;
  }
  return n > 0 ? sum / n : 0;
}

}  // namespace

Check check_clocks(const CheckInput& in) {
  Check check{"clocks", kMeasurement, LoadVerdict::kPass, "times of a request stand in their order", "they do", ""};
  for (const RequestRecord& r : in.run.requests) {
    const std::string wrong = disorder(r);
    if (wrong.empty()) continue;
    check.found = fmt::format("request {}: {}", r.index, wrong);
    return check.with(LoadVerdict::kFail, "The records are wrong: no figure of them can be believed.");
  }
  return check;
}

Check check_streaming(const CheckInput& in) {
  constexpr int64_t kFewest = 16;  // tokens below which an answer says nothing of bursts
  const double most = std::max(8.0, 2 * in.figures.accept_length.value_or(1));
  Check check{"streaming",
              kMeasurement,
              LoadVerdict::kPass,
              fmt::format("tokens come as they are made, at most {:.0f} at once", most),
              "",
              ""};
  std::vector<double> bursts;
  bool has_pieces = false, has_long = false;
  for (const RequestRecord* r : measured_requests(in.run)) {
    if (!r->succeeded()) continue;
    const int64_t n_tokens = answer_tokens(*r, in.run.setup);
    has_pieces |= !r->pieces.empty();
    has_long |= n_tokens >= kFewest;
    if (n_tokens >= kFewest && !r->pieces.empty()) bursts.push_back(tokens_a_burst(*r, n_tokens));
  }
  if (bursts.empty()) {
    check.found = has_long || !has_pieces ? "no answer came in pieces" : "answers too short to tell";
    if (has_pieces && !has_long) return check;
    return check.with(LoadVerdict::kInsufficient, "Ask for streams: without pieces there is no TTFT.");
  }
  std::sort(bursts.begin(), bursts.end());
  const double median = quantile_of(bursts, 0.5);
  check.found = fmt::format("{:.1f} tokens at once (median of {} answers)", median, bursts.size());
  if (median <= most) return check;
  return check.with(LoadVerdict::kFail,
                    "Something holds tokens back and sends them in bursts: TTFT and ITL are not the model's.");
}

Check check_littles_law(const CheckInput& in) {
  constexpr double kAllowed = 0.05, kTooNoisy = 0.25;
  const SteadyWindow& window = in.figures.window;
  Check check{"littles_law", kMeasurement, LoadVerdict::kPass, "mean in flight = rate times mean latency", "", ""};
  if (window.length_s() <= 0 || in.figures.n_requests == 0) {
    check.found = "no steady window";
    return check.with(LoadVerdict::kInsufficient, "Run longer.");
  }
  const double in_flight = InFlight(in.run, InFlight::From::kDue).mean(window.begin_s, window.end_s);
  const double latency_s = mean_e2e(in.run, window), expected = in.figures.due_rps * latency_s;
  // Requests in flight at the window's ends are counted on one side only: their difference is chance in a steady state.
  const double noise = 3 * std::sqrt(2 * std::max(1.0, in_flight) / 3) / static_cast<double>(in.figures.n_requests);
  check.wanted = fmt::format("{:.4g} in flight ({:.4g}/s times {:.4g} s), within {:.0f} %", expected,
                             in.figures.due_rps, latency_s, 100 * (kAllowed + noise));
  check.found = fmt::format("{:.4g}, sampled over time", in_flight);
  if (noise > kTooNoisy) return check.with(LoadVerdict::kInsufficient, "Run longer: too few requests came and went.");
  if (std::abs(in_flight - expected) <= (kAllowed + noise) * expected) return check;
  return check.with(LoadVerdict::kFail, "The run was not in a steady state, or requests are missing from the records.");
}

Check check_samples(const CheckInput& in) {
  constexpr double kShortest_s = 30, kTurnovers = 3;
  const Figures& f = in.figures;
  const double level = in.limits.ttft_percentile / 100;
  const int64_t needed = smallest_sample(level, kConfidence);
  const double length_s = std::max(kShortest_s, kTurnovers * f.e2e.mean);
  Check check{
      "samples",
      kMeasurement,
      LoadVerdict::kPass,
      fmt::format("{} answers for a p{:g}, {:.0f} s of steady state", needed, in.limits.ttft_percentile, length_s),
      fmt::format("{} answers in {:.1f} s ({} of warm-up left out, drain of {:.1f} s)", f.n_succeeded,
                  f.window.length_s(), f.window.n_warmup, f.window.drain_s),
      ""};
  if (f.n_succeeded >= needed && f.window.length_s() >= length_s) return check;
  const double more = std::max(static_cast<double>(needed) / static_cast<double>(std::max<int64_t>(1, f.n_succeeded)),
                               length_s / std::max(1e-3, f.window.length_s()));
  return check.with(LoadVerdict::kInsufficient,
                    fmt::format("Not enough samples for p{:g}: run at least {:.1f} times as long.",
                                in.limits.ttft_percentile, std::ceil(10 * more) / 10));
}

}  // namespace drawbridge
