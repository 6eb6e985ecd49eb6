#include "cost/sensitivity.h"

namespace drawbridge {
namespace {

/// What the run would have cost with another share of cached input: fewer or more seconds for the same requests.
BenchFigures at_share(const BenchFigures& run, double cached_share, const TokenWeights& weights) {
  BenchFigures other = run;
  other.cached_tokens = cached_share * run.input_tokens;
  const double full_s = run.busy ? run.busy->total() : run.duration_s;
  other.duration_s = full_s * weighted_tokens(other.tokens(), weights) / weighted_tokens(run.tokens(), weights);
  other.busy.reset();
  return other;
}

}  // namespace

Sensitivity cost_sensitivity(const BenchFigures& run, const Rental& rental, const Attribution& attribution,
                             const std::vector<double>& cached_shares, const std::vector<double>& utilizations) {
  Sensitivity result{utilizations, {}};
  for (const double share : cached_shares) {
    const BenchFigures other = at_share(run, share, attribution.weights);
    HitRow row{share, other.requests_per_second(), {}, {}};
    for (const double utilization : utilizations) {
      const BasisCost cost = cost_of_run(other, rental, attribution, utilization).reserved;
      row.per_request.push_back(cost.per_request);
      row.per_million_output.push_back(cost.per_million_output);
    }
    result.rows.push_back(std::move(row));
  }
  return result;
}

}  // namespace drawbridge
