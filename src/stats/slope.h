// The slope of a line through points, with the interval of its t test.
#pragma once

#include <optional>
#include <span>

#include "stats/interval.h"

namespace drawbridge {

struct Slope {
  double value = 0;  // change of y for one x
  Interval interval;

  bool is_positive() const { return interval.low > 0; }
};

/// Least squares over points of equal number. `effective_n` counts points that are independent: neighbours in time are
/// not, and counting each would call chance a trend. Absent below three of them, or where all x are alike.
std::optional<Slope> fit_slope(std::span<const double> x, std::span<const double> y, double effective_n,
                               double confidence);

}  // namespace drawbridge
