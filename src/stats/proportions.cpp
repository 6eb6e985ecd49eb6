#include "stats/proportions.h"

#include <cmath>

#include "stats/normal.h"

namespace drawbridge {

double standard_error(double share, int64_t n) {
  return std::sqrt(share * (1 - share) / static_cast<double>(n));
}

DifferenceTest compare_shares(double baseline, double baseline_error, double candidate, double candidate_error) {
  const double error = std::hypot(baseline_error, candidate_error);
  DifferenceTest test;
  test.difference = candidate - baseline;
  test.z = test.difference == 0 ? 0 : test.difference / error;
  test.p = 2 * normal_cdf(-std::abs(test.z));
  const double two_sided = normal_quantile(0.975) * error;
  test.interval = {test.difference - two_sided, test.difference + two_sided};
  test.low_one_sided = test.difference - normal_quantile(0.95) * error;
  return test;
}

DifferenceTest compare_counts(const Fraction& baseline, const Fraction& candidate) {
  return compare_shares(baseline.value(), standard_error(baseline.value(), baseline.n), candidate.value(),
                        standard_error(candidate.value(), candidate.n));
}

std::vector<Fraction> fractions_printed_as(double printed, int decimals, int64_t n_min, int64_t n_max) {
  const double half_unit = 0.5 * std::pow(10.0, -decimals);
  std::vector<Fraction> found;
  for (int64_t n = n_max; n >= n_min; --n) {
    const Fraction nearest{std::llround(printed * static_cast<double>(n)), n};
    // The slack admits a value that lies on the rounding boundary itself: printers round such ties either way.
    if (std::abs(nearest.value() - printed) <= half_unit * (1 + 1e-9)) found.push_back(nearest);
  }
  return found;
}

}  // namespace drawbridge
