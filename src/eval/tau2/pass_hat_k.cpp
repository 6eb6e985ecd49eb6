#include "eval/tau2/pass_hat_k.h"

#include <algorithm>
#include <map>

namespace drawbridge::tau2 {
namespace {

struct Trials {
  int64_t n = 0;
  int64_t n_passed = 0;
};

/// C(n_passed, k) / C(n, k), as a product that cannot overflow.
double chance(const Trials& trials, int64_t k) {
  double product = 1;
  for (int64_t i = 0; i < k; ++i) {
    product *= static_cast<double>(std::max<int64_t>(trials.n_passed - i, 0)) / static_cast<double>(trials.n - i);
  }
  return product;
}

}  // namespace

std::vector<double> pass_hat_k(const TaskResult& result) {
  std::map<std::string, Trials> tasks;
  for (const ItemResult& item : result.items) {
    Trials& trials = tasks[item.cluster.empty() ? item.id : item.cluster];
    ++trials.n;
    trials.n_passed += item.score == 1 ? 1 : 0;
  }
  std::vector<double> shares;
  if (tasks.empty()) return shares;
  const auto fewest = std::min_element(tasks.begin(), tasks.end(),
                                       [](const auto& a, const auto& b) { return a.second.n < b.second.n; });
  for (int64_t k = 1; k <= fewest->second.n; ++k) {
    double total = 0;
    for (const auto& [id, trials] : tasks) total += chance(trials, k);
    shares.push_back(total / static_cast<double>(tasks.size()));
  }
  return shares;
}

}  // namespace drawbridge::tau2
