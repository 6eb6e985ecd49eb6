// Whether to run the machine or to buy the tokens: the run's cost beside what its requests would cost at an API.
#pragma once

#include "cost/run_cost.h"

namespace drawbridge {

struct BreakEven {
  std::string provider;
  double revenue_per_request = 0;  // at the API's prices
  double revenue_per_hour = 0;     // of the machine at the run's rate of requests
  double utilization = 0;          // of the paid hours at which both cost the same; above 1: never
  double requests_per_second = 0;  // the same as a rate held all the time
};

BreakEven break_even(const BenchFigures& run, const Rental& rental, const ApiPrice& price);

}  // namespace drawbridge
