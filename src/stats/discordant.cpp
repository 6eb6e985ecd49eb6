#include "stats/discordant.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "stats/normal.h"

namespace drawbridge {
namespace {

/// P(X = k) of a fair coin thrown n times.
double coin_probability(int64_t n, int64_t k) {
  const auto count = static_cast<double>(n);
  const auto heads = static_cast<double>(k);
  return std::exp(std::lgamma(count + 1) - std::lgamma(heads + 1) - std::lgamma(count - heads + 1) -
                  count * std::log(2.0));
}

/// P(X < k).
double coin_below(int64_t n, int64_t k) {
  double sum = 0;
  for (int64_t i = 0; i < k; ++i) sum += coin_probability(n, i);
  return sum;
}

/// Tango's score of a supposed difference: falls from + to - infinity as `difference` grows.
double tango_score(const DiscordantTable& t, double difference) {
  const auto n = static_cast<double>(t.n());
  const auto won = static_cast<double>(t.only_candidate);
  const auto lost = static_cast<double>(t.only_baseline);
  // q: the likeliest share of lost items if the difference is as supposed.
  const double b = -won - lost + (2 * n - won + lost) * difference;
  const double c = -lost * difference * (1 - difference);
  const double q = (std::sqrt(std::max(0.0, b * b - 8 * n * c)) - b) / (4 * n);
  const double variance = n * (2 * q + difference * (1 - difference));
  const double distance = won - lost - n * difference;
  if (distance == 0) return 0;
  if (variance <= 0) return std::copysign(std::numeric_limits<double>::infinity(), distance);
  return distance / std::sqrt(variance);
}

/// The difference in [low, high] whose score is `score`.
double solve_score(const DiscordantTable& t, double score, double low, double high) {
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    (tango_score(t, middle) > score ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

double DiscordantTable::difference() const {
  return static_cast<double>(only_candidate - only_baseline) / static_cast<double>(n());
}

double mcnemar_exact(const DiscordantTable& table) {
  const int64_t fewer = std::min(table.only_baseline, table.only_candidate);
  return std::min(1.0, 2 * coin_below(table.n_discordant(), fewer + 1));
}

double mcnemar_mid_p(const DiscordantTable& table) {
  const int64_t fewer = std::min(table.only_baseline, table.only_candidate);
  return std::min(1.0, 2 * coin_below(table.n_discordant(), fewer) + coin_probability(table.n_discordant(), fewer));
}

Interval tango_interval(const DiscordantTable& table, double confidence) {
  DB_CHECK(table.n() > 0);
  const double z = normal_quantile(0.5 + 0.5 * confidence);
  const double found = table.difference();
  return Interval{solve_score(table, z, -1, found), solve_score(table, -z, found, 1)};
}

}  // namespace drawbridge
