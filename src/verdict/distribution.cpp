#include "verdict/distribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "stats/block_bootstrap.h"
#include "stats/quantile.h"

namespace drawbridge {
namespace {

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

bool is_known(double level, size_t n) {
  return static_cast<int64_t>(n) >= smallest_sample(level, kConfidence);
}

}  // namespace

const Percentile& Distribution::at(double level) const {
  const auto found = std::find_if(percentiles.begin(), percentiles.end(),
                                  [&](const Percentile& p) { return std::abs(p.level - level) < 1e-12; });
  DB_CHECK(found != percentiles.end());
  return *found;
}

Distribution summary_of(std::vector<double> values, const std::vector<double>& levels) {
  Distribution d;
  d.n = static_cast<int64_t>(values.size());
  for (const double level : levels) d.percentiles.push_back({level, {}, smallest_sample(level, kConfidence)});
  if (values.empty()) return d;
  d.mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - d.mean) * (value - d.mean);
  d.std = std::sqrt(squares / static_cast<double>(d.n));
  d.max = *std::max_element(values.begin(), values.end());
  const std::vector<double> found = quantiles_of(values, levels);
  for (size_t i = 0; i < levels.size(); ++i) {
    if (is_known(levels[i], values.size())) d.percentiles[i].estimate.value = found[i];
  }
  return d;
}

Distribution distribution_of(const std::vector<double>& values, const std::vector<double>& levels, uint64_t seed) {
  Distribution d = summary_of(values, levels);
  std::vector<double> known;
  for (const double level : levels) {
    if (is_known(level, values.size())) known.push_back(level);
  }
  if (known.empty()) return d;
  std::vector<std::vector<double>> replicates(known.size());
  std::vector<double> resample(values.size());
  for_each_resample(values.size(), {block_length_for(values), 1000, seed}, [&](std::span<const size_t> places) {
    std::transform(places.begin(), places.end(), resample.begin(), [&](size_t place) { return values[place]; });
    const std::vector<double> found = quantiles_of(resample, known);
    for (size_t i = 0; i < known.size(); ++i) replicates[i].push_back(found[i]);
  });
  size_t next = 0;
  for (Percentile& p : d.percentiles) {
    if (p.estimate.value) p.estimate.interval = percentile_interval(replicates[next++], kConfidence);
  }
  return d;
}

Estimate mean_estimate(const std::vector<double>& values, uint64_t seed) {
  if (values.empty()) return {};
  std::vector<double> replicates;
  for_each_resample(values.size(), {block_length_for(values), 1000, seed}, [&](std::span<const size_t> places) {
    double sum = 0;
    for (const size_t place : places) sum += values[place];
    replicates.push_back(sum / static_cast<double>(values.size()));
  });
  return {mean_of(values), percentile_interval(replicates, kConfidence)};
}

}  // namespace drawbridge
