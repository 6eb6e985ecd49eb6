#include "tuned/coverage.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "tuned/plan_text.h"

namespace drawbridge {

int64_t Coverage::total() const {
  return std::accumulate(n.begin(), n.end(), int64_t{0});
}

std::vector<std::string> Coverage::missing() const {
  std::vector<std::string> names;
  for (const ProductCoverage& product : products) {
    std::vector<int64_t> tokens;
    for (const auto& [bucket, found] : product.buckets) {
      if (found.origin == PlanOrigin::kInterpolated || found.origin == PlanOrigin::kDefault) tokens.push_back(bucket);
    }
    if (!tokens.empty()) {
      names.push_back(fmt::format("{} tokens={}", key_text(product.product.key), fmt::join(tokens, ",")));
    }
  }
  return names;
}

std::string Coverage::shares() const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < n.size(); ++i) {
    if (n[i] == 0) continue;
    const double percent = 100.0 * static_cast<double>(n[i]) / static_cast<double>(total());
    parts.push_back(fmt::format("{:.1f} % {}", percent, plan_origin_name(static_cast<PlanOrigin>(i))));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<ExpectedProduct> products_seen(const TunedPlans& plans, int64_t n_tokens) {
  std::vector<ExpectedProduct> products;
  for (const auto& [key, most] : plans.seen()) products.push_back({key, most < n_tokens});
  return products;
}

std::vector<int64_t> expected_buckets(const ExpectedProduct& product, const ExpectedTraffic& traffic) {
  const int64_t most =
      product.one_row_a_request ? traffic.max_running : std::max(traffic.max_running, traffic.max_step_tokens);
  std::vector<int64_t> buckets;
  for (const int64_t bucket : kTokenBuckets) {
    if (bucket <= most) buckets.push_back(bucket);
  }
  return buckets;
}

Coverage coverage_of(const DevicePlans& plans, const std::vector<ExpectedProduct>& products,
                     const ExpectedTraffic& traffic) {
  Coverage coverage;
  for (const ExpectedProduct& product : products) {
    ProductCoverage& line = coverage.products.emplace_back();
    line.product = product;
    for (const int64_t bucket : expected_buckets(product, traffic)) {
      const FoundPlan found = plans.find(product.key, bucket);
      line.buckets.emplace_back(bucket, found);
      ++coverage.n[static_cast<size_t>(found.origin)];
    }
  }
  return coverage;
}

}  // namespace drawbridge
