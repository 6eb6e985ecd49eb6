#include "stats/quantile.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace drawbridge {
namespace {

/// P(k successes of n).
double binomial_mass(int64_t k, int64_t n, double p) {
  const auto kd = static_cast<double>(k), nd = static_cast<double>(n);
  const double log_ways = std::lgamma(nd + 1) - std::lgamma(kd + 1) - std::lgamma(nd - kd + 1);
  return std::exp(log_ways + kd * std::log(p) + (nd - kd) * std::log1p(-p));
}

/// A quantile's place between two ranks.
struct Place {
  size_t below = 0;
  size_t above = 0;
  double share = 0;  // of the way up
};

Place place_of(size_t n, double level) {
  const double place = std::clamp(level, 0.0, 1.0) * static_cast<double>(n - 1);
  const auto below = static_cast<size_t>(place);
  return {below, std::min(below + 1, n - 1), place - static_cast<double>(below)};
}

}  // namespace

double quantile_of(std::span<const double> ascending, double level) {
  DB_CHECK(!ascending.empty());
  const Place place = place_of(ascending.size(), level);
  return std::lerp(ascending[place.below], ascending[place.above], place.share);
}

std::vector<double> quantiles_of(std::span<double> values, std::span<const double> levels) {
  DB_CHECK(!values.empty());
  std::vector<double> found;
  auto from = values.begin();  // all before it are no greater than all behind it
  for (const double level : levels) {
    const Place place = place_of(values.size(), level);
    const auto below = values.begin() + static_cast<std::ptrdiff_t>(place.below);
    std::nth_element(from, below, values.end());
    from = below;
    const double above = place.above > place.below ? *std::min_element(below + 1, values.end()) : *below;
    found.push_back(std::lerp(*below, above, place.share));
  }
  return found;
}

std::optional<Interval> quantile_interval(std::span<const double> ascending, double level, double confidence) {
  const auto n = static_cast<int64_t>(ascending.size());
  if (n < smallest_sample(level, confidence)) return std::nullopt;
  const double tail = 0.5 * (1 - confidence);
  // The k-th smallest value lies above the quantile with probability P(fewer than k of n lie below it).
  double fewer = 0;
  int64_t low = 0, high = n;  // ranks from 1
  for (int64_t k = 1; k <= n; ++k) {
    fewer += binomial_mass(k - 1, n, level);
    if (fewer <= tail) low = k;
    if (fewer >= 1 - tail) {
      high = k;
      break;
    }
  }
  return Interval{ascending[static_cast<size_t>(std::max<int64_t>(low, 1) - 1)],
                  ascending[static_cast<size_t>(high - 1)]};
}

int64_t smallest_sample(double level, double confidence) {
  DB_CHECK(level > 0 && level < 1 && confidence > 0 && confidence < 1);
  const double tail = 0.5 * (1 - confidence);
  return static_cast<int64_t>(std::ceil(std::log(tail) / std::log(std::max(level, 1 - level))));
}

}  // namespace drawbridge
