#include "stats/sample_size.h"

#include <cmath>

#include "base/check.h"

namespace drawbridge {
namespace {

// Normal quantiles of 95 % and 80 %, rounded up as the tables of the literature do: at most two questions in 4,000
// more.
constexpr double kQuantiles = 1.645 + 0.842;

int64_t questions(double variance, double margin) {
  DB_CHECK(margin > 0);
  return static_cast<int64_t>(std::ceil(variance * (kQuantiles / margin) * (kQuantiles / margin)));
}

}  // namespace

int64_t unpaired_sample_size(double accuracy, double margin) {
  return questions(2 * accuracy * (1 - accuracy), margin);
}

int64_t paired_sample_size(double discordance, double margin) {
  return questions(discordance, margin);
}

}  // namespace drawbridge
