// What the cost would be at other cache hits and utilizations.
//
// The model: the machine is full in the run, a request takes the machine's time in proportion to its weighted tokens
// (rates.h), and a token's time does not depend on the hits. So the rate of requests at another share of cached input
// is the run's, scaled by the weighted tokens of a request. It says nothing of latency. Where the weights are the
// measured seconds of one run it follows a model of the kernels within 8 % from no hits to 95 % (run_cost_test).
#pragma once

#include <vector>

#include "cost/run_cost.h"

namespace drawbridge {

struct HitRow {
  double cached_share = 0;
  double requests_per_second = 0;
  std::vector<double> per_request;         // dollars, for each utilization
  std::vector<double> per_million_output;  // dollars, all on output tokens
};

struct Sensitivity {
  std::vector<double> utilizations;
  std::vector<HitRow> rows;
};

Sensitivity cost_sensitivity(const BenchFigures& run, const Rental& rental, const Attribution& attribution,
                             const std::vector<double>& cached_shares, const std::vector<double>& utilizations);

}  // namespace drawbridge
