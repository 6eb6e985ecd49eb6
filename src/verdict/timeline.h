// A run over time: how many requests were in flight, and how many tokens, arrivals and answers came in each bin.
#pragma once

#include <cstdint>
#include <vector>

#include "load/load_run.h"

namespace drawbridge {

/// Requests in flight as steps; a request is in flight from when it was sent (or due) to its end.
class InFlight {
 public:
  enum class From { kSent, kDue };
  InFlight(const LoadRun& run, From from);

  int64_t at(double time_s) const;
  double mean(double begin_s, double end_s) const;
  int64_t peak() const;

 private:
  struct Step {
    double at_s = 0;
    int64_t n = 0;  // from at_s on
  };
  std::vector<Step> steps_;  // ascending
};

/// Equal bins of [begin_s, end_s].
struct Bins {
  double begin_s = 0;
  double width_s = 0;
  std::vector<double> values;

  double end_s() const { return begin_s + width_s * static_cast<double>(values.size()); }
  void add(double time_s, double value);
};
Bins make_bins(double begin_s, double end_s, size_t n);

/// Output tokens by when they came: those of an answer are shared out to its pieces by their bytes.
Bins output_tokens_over(const LoadRun& run, Bins bins);
Bins arrivals_over(const LoadRun& run, Bins bins);
/// Succeeded answers by when they ended.
Bins completions_over(const LoadRun& run, Bins bins);

}  // namespace drawbridge
