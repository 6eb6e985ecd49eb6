#include "backend/tile_limits.h"

#include <algorithm>

#include "backend/cpu/panel_kernels.h"

namespace drawbridge {
namespace {

/// A matrix of one block: what work space it asks for says whether its format is unpacked beforehand.
constexpr int64_t kBlock = 32;

void limit_input(TileLimits& limits, PanelInput input, const PanelProduct& product) {
  const auto i = static_cast<size_t>(input);
  limits.max_columns[i] = product.max_columns;
  for (size_t f = 0; f < kWeightFormats; ++f) {
    limits.can_expand[i][f] = product.work_bytes({static_cast<WeightFormat>(f), kBlock, kBlock}) > 0;
  }
}

}  // namespace

TileLimits::TileLimits() {
  max_columns.fill(kMaxTileColumns);
  for (auto& of_input : can_expand) of_input.fill(true);
}

TilePlan TileLimits::apply(const ProductKey& key, TilePlan plan) const {
  const auto input = static_cast<size_t>(key.input);
  plan.columns = std::min(plan.columns, max_columns[input]);
  plan.expand = plan.expand && can_expand[input][static_cast<size_t>(key.format)];
  return plan;
}

TileLimits tile_limits(const std::string& isa) {
  TileLimits limits;
  const CpuFeatures features = detect_cpu_features();
  const auto known = choose_isa(isa, features);
  if (!known.ok() || *known == Isa::kScalar) return limits;
  const PanelKernels panels = panel_kernels(*known, features);
  limit_input(limits, PanelInput::kF32, panels.f32);
  if (panels.bf16 != nullptr) limit_input(limits, PanelInput::kBf16, *panels.bf16);
  if (panels.int8 != nullptr) limit_input(limits, PanelInput::kInt8, *panels.int8);
  return limits;
}

}  // namespace drawbridge
