#include "stats/block_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/rng.h"
#include "stats/quantile.h"

namespace drawbridge {
namespace {

constexpr double kNegligible = 0.05;  // a correlation that ends the sum over lags
constexpr size_t kMostLags = 1000;    // beyond it the series trends, and blocks are as long as they may be

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Mean product of deviations `lag` apart, over n as usual: sums over lags stay finite.
double autocovariance(std::span<const double> series, double mean, size_t lag) {
  double sum = 0;
  for (size_t i = lag; i < series.size(); ++i) sum += (series[i] - mean) * (series[i - lag] - mean);
  return sum / static_cast<double>(series.size());
}

}  // namespace

size_t block_length_for(std::span<const double> series) {
  DB_CHECK(!series.empty());
  const size_t most = std::max<size_t>(1, series.size() / 4);
  const double mean = mean_of(series);
  const double variance = autocovariance(series, mean, 0);
  double time = 1;  // 1 + 2 * sum of correlations
  for (size_t lag = 1; variance > 0 && lag < std::min(most, kMostLags); ++lag) {
    const double correlation = autocovariance(series, mean, lag) / variance;
    if (correlation < kNegligible) break;
    time += 2 * correlation;
  }
  const double wanted = std::max(2 * time, std::cbrt(static_cast<double>(series.size())));
  return std::min(most, static_cast<size_t>(std::ceil(wanted)));
}

void for_each_resample(size_t n, const BlockBootstrapOptions& options,
                       const std::function<void(std::span<const size_t>)>& visit) {
  DB_CHECK(n > 0 && options.block_length > 0 && options.n_resamples > 0);
  const size_t length = std::min(options.block_length, n);
  std::vector<size_t> places(n);
  uint64_t draw = 0;
  for (int64_t r = 0; r < options.n_resamples; ++r) {
    for (size_t filled = 0; filled < n; filled += length) {
      const auto from = static_cast<size_t>(uniform_at(options.seed, draw++) * static_cast<double>(n));
      const size_t count = std::min(length, n - filled);
      for (size_t i = 0; i < count; ++i) places[filled + i] = (from + i) % n;
    }
    visit(places);
  }
}

Interval percentile_interval(std::vector<double>& replicates, double confidence) {
  const double levels[] = {0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence};
  const std::vector<double> ends = quantiles_of(replicates, levels);
  return {ends[0], ends[1]};
}

}  // namespace drawbridge
