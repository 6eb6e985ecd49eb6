// KneeSearch: which rates to try to find where a server stops keeping up, and one beyond.
//
// From its start it doubles the rate until a point is saturated (or halves it until one is not), then tries the
// geometric mean of the two. The saturated points are past the knee and stay in the sweep. The search only chooses
// where to measure: what the knee is, with its interval, is said by the report.
#pragma once

#include <optional>
#include <string>

#include "load/load_run.h"

namespace drawbridge {

class KneeSearch {
 public:
  explicit KneeSearch(double start_rps) : next_(start_rps) {}

  /// None when it is over.
  std::optional<double> next() const { return next_; }
  void add(double rate_rps, bool is_saturated);

 private:
  std::optional<double> next_;
  std::optional<double> good_;  // highest rate that was kept up with
  std::optional<double> bad_;   // lowest that was not
  int n_points_ = 0;
};

/// Empty if the server kept up; else why not: a tenth of the requests failed; the median time to first token of the
/// last third of them is over twice that of the first third (and over 0.5 s); or in the second half of the arrivals
/// fewer than 0.9 ended of those that came, and waiting ones piled up.
std::string saturation(const LoadRun& run);

}  // namespace drawbridge
