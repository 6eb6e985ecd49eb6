#include "backend/plan_source.h"

#include <algorithm>

namespace drawbridge {

/// Tiles as wide as that pays: 16 sums beside a block's codes where those are bytes, 4 where they are pairs of bf16. A
/// panel that meets fewer tokens takes a narrower tile by itself, so the tokens of a step do not decide: of few that
/// meet an expert on average, some experts have several. Wide tiles unpack a panel so seldom that unpacking it
/// beforehand gains nothing. Strips of many rows share their inputs' way into the cache.
TilePlan default_plan(const ProductKey& key, int64_t n_tokens) {
  const bool is_moe = key.experts > 0, is_int8 = key.input == PanelInput::kInt8;
  const int64_t rows = is_moe ? std::max<int64_t>(n_tokens * key.experts_per_token / key.experts, 1) : n_tokens;
  TilePlan plan;
  plan.columns = is_int8 ? 16 : 4;
  plan.expand = false;
  plan.strip = is_moe || (is_int8 && rows >= 32) ? 8 : rows < 32 ? 2 : 4;
  return plan;
}

}  // namespace drawbridge
