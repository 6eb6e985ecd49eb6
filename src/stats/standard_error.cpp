#include "stats/standard_error.h"

#include <cmath>
#include <map>

namespace drawbridge {

double clustered_standard_error(const std::vector<std::pair<std::string, double>>& items) {
  double mean = 0;
  for (const auto& [cluster, score] : items) mean += score / static_cast<double>(items.size());
  std::map<std::string, double> deviation;
  for (const auto& [cluster, score] : items) deviation[cluster] += score - mean;
  if (deviation.size() < 2) return 0;
  double squares = 0;
  for (const auto& [cluster, sum] : deviation) squares += sum * sum;
  const auto n_clusters = static_cast<double>(deviation.size());
  return std::sqrt(squares * n_clusters / (n_clusters - 1)) / static_cast<double>(items.size());
}

}  // namespace drawbridge
