#include "stats/cluster_bootstrap.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/rng.h"
#include "stats/normal.h"
#include "stats/quantile.h"

namespace drawbridge {
namespace {

double mean_of(const Cluster& total) {
  return total.sum / static_cast<double>(total.n);
}

Cluster total_of(std::span<const Cluster> clusters) {
  Cluster total;
  for (const Cluster& c : clusters) {
    total.sum += c.sum;
    total.n += c.n;
  }
  return total;
}

/// Skewness of the estimate, by leaving out one cluster at a time.
double jackknife_acceleration(std::span<const Cluster> clusters) {
  const Cluster total = total_of(clusters);
  std::vector<double> without;
  double mean = 0;
  for (const Cluster& c : clusters) {
    without.push_back(mean_of({total.sum - c.sum, total.n - c.n}));
    mean += without.back() / static_cast<double>(clusters.size());
  }
  double squares = 0, cubes = 0;
  for (const double value : without) {
    squares += (mean - value) * (mean - value);
    cubes += (mean - value) * (mean - value) * (mean - value);
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

}  // namespace

ClusterBootstrap::ClusterBootstrap(std::span<const Cluster> clusters, int64_t n_resamples, uint64_t seed) {
  DB_CHECK(clusters.size() > 1 && n_resamples > 0);
  uint64_t draw = 0;
  for (int64_t r = 0; r < n_resamples; ++r) {
    Cluster total;
    for (size_t i = 0; i < clusters.size(); ++i) {
      const double place = uniform_at(seed, draw++) * static_cast<double>(clusters.size());
      const Cluster& drawn = clusters[static_cast<size_t>(place)];
      total.sum += drawn.sum;
      total.n += drawn.n;
    }
    replicates_.push_back(mean_of(total));
  }
  std::sort(replicates_.begin(), replicates_.end());
  const double estimate = mean_of(total_of(clusters));
  const auto low = std::lower_bound(replicates_.begin(), replicates_.end(), estimate);
  const auto high = std::upper_bound(low, replicates_.end(), estimate);
  const auto below = static_cast<double>(low - replicates_.begin()) + 0.5 * static_cast<double>(high - low);
  const double share = below / static_cast<double>(replicates_.size());
  if (share > 0 && share < 1) bias_ = normal_quantile(share);
  acceleration_ = jackknife_acceleration(clusters);
}

double ClusterBootstrap::bound(double level) const {
  const double z = bias_ + normal_quantile(level);
  return quantile_of(replicates_, normal_cdf(bias_ + z / (1 - acceleration_ * z)));
}

Interval ClusterBootstrap::interval(double confidence) const {
  return {bound(0.5 - 0.5 * confidence), bound(0.5 + 0.5 * confidence)};
}

double sign_flip_p(std::span<const Cluster> clusters, int64_t n_resamples, uint64_t seed) {
  DB_CHECK(!clusters.empty() && n_resamples > 0);
  const double found = std::abs(total_of(clusters).sum);
  const double slack = 1e-9 * static_cast<double>(clusters.size());  // sums of the same numbers in another order
  int64_t n_as_far = 1;                                              // the observed signs are one of the outcomes
  uint64_t draw = 0;
  for (int64_t r = 0; r < n_resamples; ++r) {
    double sum = 0;
    for (const Cluster& c : clusters) sum += (bits_at(seed, draw++) >> 63) != 0 ? c.sum : -c.sum;
    if (std::abs(sum) >= found - slack) ++n_as_far;
  }
  return static_cast<double>(n_as_far) / static_cast<double>(n_resamples + 1);
}

}  // namespace drawbridge
