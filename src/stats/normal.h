// The standard normal distribution.
#pragma once

namespace drawbridge {

/// P(Z <= x).
double normal_cdf(double x);
/// The x of a probability in (0, 1).
double normal_quantile(double probability);

}  // namespace drawbridge
