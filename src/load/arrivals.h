// Arrivals: when each request of an open loop is due, whatever the server does with those before.
//
// Gaps are drawn independently of each other and are never rescaled, so that N arrivals realize the asked rate only on
// average: a load that is smoothed to exact means hides the bursts that make queues. Drawn by counters and rounded to
// whole nanoseconds: the same seed gives the same times on every machine (std's distributions differ by library).
#pragma once

#include <cstdint>
#include <string>

namespace drawbridge {

struct ArrivalOptions {
  double rate_rps = 0;    // mean; 0: all at once
  double burstiness = 1;  // shape of the gamma-distributed gaps, as vLLM's: 1 Poisson, below it bursts, infinity even
  uint64_t seed = 0;
};

class Arrivals {
 public:
  explicit Arrivals(const ArrivalOptions& options) : options_(options) {}

  /// Seconds since the start, never before the last; the first comes one gap after it.
  double next();

 private:
  double draw_gap();
  double uniform();
  double normal();
  double gamma(double shape);

  const ArrivalOptions options_;
  uint64_t n_draws_ = 0;
  int64_t now_ns_ = 0;
};

/// "poisson", "gamma burstiness 0.5", "constant", "all at once".
std::string describe_arrivals(const ArrivalOptions& options);

}  // namespace drawbridge
