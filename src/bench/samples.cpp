#include "bench/samples.h"

#include <algorithm>

#include "base/check.h"

namespace drawbridge {

Spread spread_of(std::vector<double> samples) {
  DB_CHECK(!samples.empty());
  std::sort(samples.begin(), samples.end());
  const size_t middle = samples.size() / 2;
  const double median = samples.size() % 2 == 1 ? samples[middle] : 0.5 * (samples[middle - 1] + samples[middle]);
  return Spread{median, samples.front(), samples.back()};
}

}  // namespace drawbridge
