#include "bench/samples.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace drawbridge {

Spread spread_of(std::vector<double> samples) {
  DB_CHECK(!samples.empty());
  std::sort(samples.begin(), samples.end());
  const size_t middle = samples.size() / 2;
  const double median = samples.size() % 2 == 1 ? samples[middle] : 0.5 * (samples[middle - 1] + samples[middle]);
  return Spread{median, samples.front(), samples.back()};
}

Moments moments_of(const std::vector<double>& samples) {
  DB_CHECK(!samples.empty());
  const auto n = static_cast<double>(samples.size());
  Moments moments;
  moments.mean = std::accumulate(samples.begin(), samples.end(), 0.0) / n;
  double squares = 0;
  for (const double v : samples) squares += (v - moments.mean) * (v - moments.mean);
  if (samples.size() > 1) moments.deviation = std::sqrt(squares / (n - 1));
  return moments;
}

}  // namespace drawbridge
