#include "tuned/plans.h"

#include <algorithm>

#include "base/log.h"
#include "base/rng.h"
#include "tuned/plan_text.h"

namespace drawbridge {
namespace {

size_t hash_of(const ProductKey& key, int64_t n_tokens) {
  const auto kind = static_cast<uint64_t>(key.stage) << 16 | static_cast<uint64_t>(key.format) << 8 |
                    static_cast<uint64_t>(key.input);
  const uint64_t size = static_cast<uint64_t>(key.n) * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(key.k);
  return static_cast<size_t>(mix64(size ^ mix64(kind << 32 ^ static_cast<uint64_t>(n_tokens))));
}

/// Within a factor of the square root of 2: half a step of the buckets, which grow by 2 at most. What is best for one
/// token is far from it for eight.
bool is_near(int64_t a, int64_t b) {
  return a * a <= 2 * b * b && b * b <= 2 * a * a;
}

}  // namespace

DevicePlans::DevicePlans(const TunedTable& table, const TunedDevice& device, const TileLimits& limits)
    : limits_(limits) {
  for (const auto& [key, row] : table.rows()) {
    if (key.device != device) continue;
    const TilePlan plan = limits_.apply(key.product, row.plan);
    rows_[key.product][key.n_tokens] = {plan, row.origin};
    if (plan == row.plan) continue;
    cut_.push_back(fmt::format("{} tokens={}: {} runs as {}", key_text(key.product), key.n_tokens, plan_text(row.plan),
                               plan_text(plan)));
  }
}

FoundPlan DevicePlans::find(const ProductKey& key, int64_t n_tokens) const {
  const FoundPlan none{limits_.apply(key, default_plan(key, n_tokens)), PlanOrigin::kDefault};
  const auto product = rows_.find(key);
  if (product == rows_.end()) return none;
  const auto above = product->second.lower_bound(n_tokens);
  if (above == product->second.end()) return none;
  if (above->first == n_tokens) return above->second;
  if (above == product->second.begin()) return none;
  const auto below = std::prev(above);
  const bool is_lower = n_tokens * n_tokens < below->first * above->first;
  const auto& [n_measured, nearer] = *(is_lower ? below : above);
  if (!is_near(n_tokens, n_measured)) return none;
  return {nearer.plan, PlanOrigin::kInterpolated};
}

TilePlan TunedPlans::find(const ProductKey& key, int64_t n_tokens) {
  Remembered& place = remembered_[hash_of(key, n_tokens) % kRemembered];
  if (place.n_tokens != n_tokens || place.key != key) place = {key, n_tokens, look_up(key, n_tokens)};
  counts_.add(place.found.origin, n_tokens);
  return place.found.plan;
}

FoundPlan TunedPlans::look_up(const ProductKey& key, int64_t n_tokens) {
  int64_t& most = seen_[key];
  most = std::max(most, n_tokens);
  const FoundPlan found = rows_.find(key, n_tokens);
  if (found.origin == PlanOrigin::kDefault && !rows_.empty() && said_.insert(key).second) {
    spdlog::warn("plan untuned product=\"{}\" tokens={} plan={} (default; said once a product)", key_text(key),
                 n_tokens, plan_text(found.plan));
  }
  return found;
}

}  // namespace drawbridge
