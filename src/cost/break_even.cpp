#include "cost/break_even.h"

namespace drawbridge {

BreakEven break_even(const BenchFigures& run, const Rental& rental, const ApiPrice& price) {
  const TokenMix tokens = run.tokens();
  const double cached_price = price.cached ? price.cached->value : price.input.value;
  const double revenue =
      (tokens.uncached * price.input.value + tokens.cached * cached_price + tokens.output * price.output.value) / 1e6;
  BreakEven result;
  result.provider = price.provider;
  result.revenue_per_request = revenue / run.n_requests;
  result.revenue_per_hour = result.revenue_per_request * run.requests_per_second() * 3600;
  result.utilization = rental.total_per_hour() / result.revenue_per_hour;
  result.requests_per_second = result.utilization * run.requests_per_second();
  return result;
}

}  // namespace drawbridge
