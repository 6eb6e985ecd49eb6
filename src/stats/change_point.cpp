#include "stats/change_point.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr size_t kFewest = 8;
constexpr int kShuffles = 499;

struct Split {
  size_t at = 0;
  double distance = 0;  // of the means; in units that are the same for every order of the same values
};

/// The variance of both parts' means is that of the values times (1 / k + 1 / (n - k)).
Split best_split(std::span<const double> series, size_t last) {
  const double total = std::accumulate(series.begin(), series.end(), 0.0);
  const auto n = static_cast<double>(series.size());
  Split best;
  double sum = 0;
  for (size_t k = 1; k <= std::min(last, series.size() - 1); ++k) {
    sum += series[k - 1];
    const auto below = static_cast<double>(k);
    const double difference = std::abs(sum / below - (total - sum) / (n - below));
    const double distance = difference / std::sqrt(1 / below + 1 / (n - below));
    if (distance > best.distance) best = {k, distance};
  }
  return best;
}

void shuffle(std::vector<double>& values, uint64_t seed, uint64_t& draw) {
  for (size_t i = values.size() - 1; i > 0; --i) {
    const double place = uniform_at(seed, draw++) * static_cast<double>(i + 1);
    std::swap(values[i], values[static_cast<size_t>(place)]);
  }
}

}  // namespace

std::optional<size_t> change_point(std::span<const double> series, size_t last, uint64_t seed) {
  if (series.size() < kFewest) return std::nullopt;
  const Split found = best_split(series, last);
  std::vector<double> shuffled(series.begin(), series.end());
  uint64_t draw = 0;
  int n_as_far = 1;  // the order that was found is one of them
  for (int i = 0; i < kShuffles; ++i) {
    shuffle(shuffled, seed, draw);
    // Sums of the same numbers in another order differ in their last digits.
    if (best_split(shuffled, last).distance >= found.distance * (1 - 1e-9)) ++n_as_far;
  }
  if (found.at == 0 || n_as_far > (kShuffles + 1) / 20) return std::nullopt;
  return found.at;
}

}  // namespace drawbridge
