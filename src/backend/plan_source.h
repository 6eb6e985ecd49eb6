// PlanSource: where a backend learns how to cut a product of this shape for this many tokens. A plan never changes a
// bit of the result, only its speed. Who measured plans gives them here (tuned/); without any, default_plan answers.
#pragma once

#include <cstdint>

#include "tensor/matrix.h"

namespace drawbridge {

/// How a product with panels is cut into tiles.
struct TilePlan {
  int32_t columns = 8;  // tokens that share a register tile, 1 to kMaxTileColumns
  bool expand = false;  // unpack a panel's codes once for all its tokens
  int32_t strip = 4;    // panels of 16 rows that a thread takes together

  friend bool operator==(const TilePlan&, const TilePlan&) = default;
};
inline constexpr int32_t kMaxTileColumns = 16;

enum class ProductStage : uint8_t {
  kLinear,     // y [T, N] = x w^T
  kHeads,      // one product a head; N and K of one head
  kMoeHidden,  // gate and up of the chosen experts and silu; N = the experts' width I, K = D
  kMoeOutput,  // down; N = D, K = I
};

/// How the inputs of a product lie in memory.
enum class PanelInput : uint8_t { kF32, kBf16, kInt8 };

/// What plans are looked up by, beside the number of tokens.
struct ProductKey {
  ProductStage stage = ProductStage::kLinear;
  WeightFormat format = WeightFormat::kMxfp4;
  PanelInput input = PanelInput::kBf16;
  int64_t n = 0;
  int64_t k = 0;
  int64_t experts = 0;            // moe stages: what the step may choose from, a fused shared expert included
  int64_t experts_per_token = 0;  // likewise

  friend auto operator<=>(const ProductKey&, const ProductKey&) = default;
};

class PlanSource {
 public:
  virtual ~PlanSource() = default;
  /// Called once a product and step, on the thread of the step.
  virtual TilePlan find(const ProductKey& key, int64_t n_tokens) = 0;
};

/// The plan of a shape that nobody measured.
TilePlan default_plan(const ProductKey& key, int64_t n_tokens);

}  // namespace drawbridge
