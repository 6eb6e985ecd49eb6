// search_plans: a better plan than the default for one product and one number of tokens, coordinate by coordinate:
// columns, then unpacking once, then strips. The space is a few hundred plans; its coordinates hardly interact, so some
// twenty of them are timed.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "backend/tile_limits.h"
#include "tuned/row.h"

namespace drawbridge {

/// Median microseconds of each plan, measured in turn; nothing for one that gave other bits than the default.
using TimePlans = std::function<Result<std::vector<std::optional<double>>>(std::span<const TilePlan>)>;

struct FoundTuning {
  TilePlan plan;
  double us = 0;
  double default_us = 0;                   // in the same turn as `us`
  std::vector<TunedCandidate> candidates;  // with the last time of each
};

/// The plans that are tried beside `from` along each coordinate, without those that cut no differently.
std::vector<std::vector<TilePlan>> plan_sweeps(const ProductKey& key, int64_t n_tokens, const TilePlan& from,
                                               const TileLimits& limits = {});

Result<FoundTuning> search_plans(const ProductKey& key, int64_t n_tokens, const TimePlans& time,
                                 const TileLimits& limits = {});

}  // namespace drawbridge
