#include "backend/plan_source.h"

#include <algorithm>

namespace drawbridge {

/// Tiles as wide as the tokens that a panel meets on average, few enough to stay in registers; codes are unpacked once
/// where many tiles would unpack them again.
TilePlan default_plan(const ProductKey& key, int64_t n_tokens) {
  const bool is_moe = key.experts > 0;
  const int64_t rows = is_moe ? std::max<int64_t>(n_tokens * key.experts_per_token / key.experts, 1) : n_tokens;
  TilePlan plan;
  plan.columns = static_cast<int32_t>(std::min<int64_t>(rows, 8));
  plan.expand = rows >= 32;
  plan.strip = rows >= 32 ? 8 : 2;
  return plan;
}

}  // namespace drawbridge
