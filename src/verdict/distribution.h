// A Distribution of values in the order in which they arose.
#pragma once

#include <cstdint>
#include <vector>

#include "verdict/figures.h"

namespace drawbridge {

/// With intervals of the percentiles; `levels` ascend.
Distribution distribution_of(const std::vector<double>& values, const std::vector<double>& levels, uint64_t seed);
/// Without intervals: for values so many that chance moves nothing but their dependence does.
Distribution summary_of(std::vector<double> values, const std::vector<double>& levels);

/// Mean over time of values by equal steps, with its interval.
Estimate mean_estimate(const std::vector<double>& values, uint64_t seed);

}  // namespace drawbridge
