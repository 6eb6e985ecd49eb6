// Quantiles of a sample, and how large a sample must be to bound one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/interval.h"

namespace drawbridge {

/// Linear interpolation between the order statistics around `level` in [0, 1], as numpy's default. At least one value.
double quantile_of(std::span<const double> ascending, double level);

/// The same for several ascending levels of values in any order, which it reorders: linear in their number.
std::vector<double> quantiles_of(std::span<double> values, std::span<const double> levels);

/// Ends of the distribution-free interval of a quantile: order statistics whose ranks hold it with at least
/// `confidence`, half of the error at each end. Absent where the sample has no order statistic beyond one end: then
/// nothing but the distribution's shape would bound the quantile.
std::optional<Interval> quantile_interval(std::span<const double> ascending, double level, double confidence);

/// The smallest sample for which quantile_interval exists: 72 for a p95 and 368 for a p99 at 95 %.
int64_t smallest_sample(double level, double confidence);

}  // namespace drawbridge
