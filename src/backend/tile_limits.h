// TileLimits: what the kernels at hand can do of a plan. They cut what goes beyond it without a word, so whoever tells
// plans applies the limits first.
#pragma once

#include <array>
#include <string>

#include "backend/plan_source.h"

namespace drawbridge {

inline constexpr size_t kPanelInputs = 3;

struct TileLimits {
  /// Without any.
  TileLimits();

  /// By PanelInput: tokens whose sums fit the registers.
  std::array<int32_t, kPanelInputs> max_columns;
  /// By PanelInput and WeightFormat: whether codes can be unpacked beforehand.
  std::array<std::array<bool, kWeightFormats>, kPanelInputs> can_expand;

  /// The plan as it runs.
  TilePlan apply(const ProductKey& key, TilePlan plan) const;
};

/// Of an instruction set on this CPU; none where it is another CPU's, or "scalar", which takes no plans.
TileLimits tile_limits(const std::string& isa);

}  // namespace drawbridge
