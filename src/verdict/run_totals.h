// RunTotals: a run as sglang's and vLLM's benchmarks compute it, for their result blocks: everything from the first
// request to the last answer, latencies from when a request was sent, no steady window.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "verdict/report.h"

namespace drawbridge {

struct Summary {
  double mean = 0, median = 0, std = 0, p95 = 0, p99 = 0, max = 0;  // ms
};

struct RunTotals {
  int64_t completed = 0, failed = 0;
  double duration_s = 0;
  int64_t n_input = 0, n_output = 0, n_counted = 0;  // tokens; counted: by the client
  double n_good = 0;                                 // answers within all limits
  double peak_tok_s = 0;                             // of whole seconds
  int64_t peak_concurrency = 0;
  double mean_concurrency = 0;
  double mean_input = 0, mean_output = 0;  // designed
  double accept_length = kNever;
  Summary e2e, ttft, tpot, itl, queue, e2e_queue;

  double rate(double count) const { return duration_s > 0 ? count / duration_s : 0; }
  double rate(int64_t count) const { return rate(static_cast<double>(count)); }
};

RunTotals total_run(const LoadRun& run, const LoadLimits& limits);

/// A line of 50 characters with a title in its middle.
std::string block_rule(const std::string& title, char fill);
/// "{:<40} {:<10}".
std::string block_line(const std::string& label, const std::string& value);
std::string block_line(const std::string& label, int64_t value);
/// Two decimals.
std::string block_line(const std::string& label, double value);
/// A float as Python prints it: "2.0", "2.4", "inf" for no rate.
std::string python_rate(double rate_rps);

}  // namespace drawbridge
