// Figures: what a point of a sweep measured, over its steady window, with intervals at 95 %.
//
// Rates count what came inside of the window; latencies are of the requests that were due in it and succeeded.
// Intervals are circular block bootstraps over requests in order (latencies) or over time (rates): what waits in one
// queue is not independent. A percentile whose upper bound lies beyond the sample is refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "load/load_run.h"
#include "stats/interval.h"
#include "verdict/steady_window.h"

namespace drawbridge {

inline constexpr double kConfidence = 0.95;

/// A figure; neither value nor interval where the sample cannot say it.
struct Estimate {
  std::optional<double> value;
  std::optional<Interval> interval;
};

struct Percentile {
  double level = 0;  // 0.95
  Estimate estimate;
  int64_t n_needed = 0;  // answers below which it is refused
};

struct Distribution {
  int64_t n = 0;
  double mean = 0, std = 0, max = 0;  // std over n, as numpy's default
  std::vector<Percentile> percentiles;

  /// The percentile of a level that was asked for.
  const Percentile& at(double level) const;
};

struct LoadLimits {
  double ttft_s = 5, tpot_s = 0, e2e_s = 0;  // 0: none
  double ttft_percentile = 95;               // at which the limits must hold
};

struct Figures {
  SteadyWindow window;
  int64_t n_requests = 0;  // due in the window
  int64_t n_succeeded = 0;
  std::map<std::string, int64_t> failures;  // by reason
  double offered_rps = 0;                   // asked for; 0: closed loop
  double due_rps = 0;                       // arrivals of the window
  Estimate sustained_rps;                   // succeeded answers that ended in the window
  Estimate output_tok_s;
  double input_tok_s = 0;                        // of prompts due in the window
  double prompt_length = 0, output_length = 0;   // mean of succeeded requests
  Distribution ttft, ttft_sent, tpot, itl, e2e;  // seconds
  double goodput_rps = 0, good_share = 0;        // answers within all limits
  double mean_concurrency = 0;
  int64_t peak_concurrency = 0;
  double cached_designed = 0;             // share of the prompts' tokens
  std::optional<double> cached_reported;  // absent: the server says nothing
  std::optional<double> accept_length;
  std::optional<double> busy_input, busy_output;  // share of the run in which the server computed, by the kind of token

  double success() const {
    return n_requests > 0 ? static_cast<double>(n_succeeded) / static_cast<double>(n_requests) : 0;
  }
};

Figures measure(const LoadRun& run, const LoadLimits& limits, uint64_t seed);

/// Values of succeeded requests in the steady window, in order of due_s; tpot leaves answers of one token out.
std::vector<double> latencies(const LoadRun& run, const SteadyWindow& window, double (*latency)(const RequestRecord&));
std::vector<double> tpots(const LoadRun& run, const SteadyWindow& window);

}  // namespace drawbridge
