#include "tune/search.h"

#include <algorithm>

#include "base/checked_math.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

constexpr int32_t kColumns[] = {1, 2, 4, 6, 8, 12, 16};
constexpr int32_t kStrips[] = {1, 2, 4, 8, 16};
constexpr double kClearly = 0.98;  // of the time so far: less may be noise

/// The first of `values` that covers `n`, or the last.
template <size_t N>
int32_t covering(const int32_t (&values)[N], int64_t n) {
  for (const int32_t value : values) {
    if (value >= n) return value;
  }
  return values[N - 1];
}

void remember(std::vector<TunedCandidate>& all, const TilePlan& plan, const std::optional<double>& us) {
  const auto known = std::find_if(all.begin(), all.end(), [&](const TunedCandidate& c) { return c.plan == plan; });
  if (known == all.end()) {
    all.push_back({plan, us});
  } else {
    known->us = us;
  }
}

}  // namespace

std::vector<std::vector<TilePlan>> plan_sweeps(const ProductKey& key, int64_t n_tokens, const TilePlan& from,
                                               const TileLimits& limits) {
  std::vector<std::vector<TilePlan>> sweeps(3);
  const auto try_plan = [&](size_t sweep, const TilePlan& plan) {
    if (plan != from && limits.apply(key, plan) == plan) sweeps[sweep].push_back(plan);
  };
  const int32_t most_columns = covering(kColumns, n_tokens);
  for (const int32_t columns : kColumns) {
    if (columns <= most_columns) try_plan(0, {columns, from.expand, from.strip});
  }
  // One tile unpacks a panel once anyhow.
  if (n_tokens > from.columns || from.expand) try_plan(1, {from.columns, !from.expand, from.strip});
  const int32_t most_strip = covering(kStrips, ceil_div(key.n, kPanelRows));
  for (const int32_t strip : kStrips) {
    if (strip <= most_strip) try_plan(2, {from.columns, from.expand, strip});
  }
  return sweeps;
}

Result<FoundTuning> search_plans(const ProductKey& key, int64_t n_tokens, const TimePlans& time,
                                 const TileLimits& limits) {
  const TilePlan standard = limits.apply(key, default_plan(key, n_tokens));
  FoundTuning found;
  found.plan = standard;
  const auto timed = [&](const std::vector<TilePlan>& plans) -> Result<std::vector<std::optional<double>>> {
    DB_ASSIGN(auto us, time(plans));
    DB_CHECK(us.size() == plans.size() && us[0].has_value());
    for (size_t i = 0; i < plans.size(); ++i) remember(found.candidates, plans[i], us[i]);
    return us;
  };
  for (size_t sweep = 0; sweep < 3; ++sweep) {
    std::vector<TilePlan> plans = {found.plan};
    const auto sweeps = plan_sweeps(key, n_tokens, found.plan, limits);
    plans.insert(plans.end(), sweeps[sweep].begin(), sweeps[sweep].end());
    if (plans.size() == 1) continue;
    DB_ASSIGN(const auto us, timed(plans));
    double best = *us[0] * kClearly;
    for (size_t i = 1; i < plans.size(); ++i) {
      if (!us[i] || *us[i] >= best) continue;
      best = *us[i];
      found.plan = plans[i];
    }
  }
  // What won by luck somewhere on the way must win once more.
  std::vector<TilePlan> last = {standard};
  if (found.plan != standard) last.push_back(found.plan);
  DB_ASSIGN(const auto us, timed(last));
  found.default_us = *us[0];
  found.us = us.back().value_or(*us[0]);
  if (found.us < found.default_us) return found;
  found.plan = standard;
  found.us = found.default_us;
  return found;
}

}  // namespace drawbridge
