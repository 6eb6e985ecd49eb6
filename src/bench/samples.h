// Samples of one measured quantity, reported as median and spread: a single number would hide this machine's noise.
#pragma once

#include <vector>

namespace drawbridge {

struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};

/// Median (mean of the middle two for an even count), smallest and largest of at least one sample.
Spread spread_of(std::vector<double> samples);

/// As llama-bench tells its figures.
struct Moments {
  double mean = 0;
  double deviation = 0;  // of the samples, with n - 1; 0 for a single one
};
Moments moments_of(const std::vector<double>& samples);

}  // namespace drawbridge
