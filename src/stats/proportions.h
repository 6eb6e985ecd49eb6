// Shares of right answers known only as counts or as printed numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "stats/interval.h"

namespace drawbridge {

struct Fraction {
  int64_t k = 0;
  int64_t n = 0;

  double value() const { return static_cast<double>(k) / static_cast<double>(n); }
};

/// sqrt(p (1 - p) / n).
double standard_error(double share, int64_t n);

struct DifferenceTest {
  double difference = 0;  // candidate - baseline
  double z = 0;
  double p = 1;              // two-sided
  Interval interval;         // 95 %
  double low_one_sided = 0;  // 5 %
};

/// Wald test of two independent shares from their standard errors (not pooled).
DifferenceTest compare_shares(double baseline, double baseline_error, double candidate, double candidate_error);
DifferenceTest compare_counts(const Fraction& baseline, const Fraction& candidate);

/// All k/n with n in [n_min, n_max] that print as `printed` with `decimals` digits, largest n first.
std::vector<Fraction> fractions_printed_as(double printed, int decimals, int64_t n_min, int64_t n_max);

}  // namespace drawbridge
