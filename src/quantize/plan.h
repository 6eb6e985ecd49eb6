// QuantizePlan: every decision of a run before a weight is read: formats, the target's tensors, its files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/glm52_config.h"
#include "quantize/recipe.h"
#include "quantize/source_tensors.h"
#include "tensor/block_codec.h"

namespace drawbridge {

/// A block's exponent by its largest value alone, or searched for the smallest error on calibrated inputs.
enum class QuantizeRule : uint8_t { kEven, kFloor, kCeil, kSearch };

/// "even", "floor", "ceil", "search".
const char* quantize_rule_name(QuantizeRule rule);
std::optional<QuantizeRule> quantize_rule_from_name(std::string_view name);

struct PlanOptions {
  Recipe recipe = Recipe::kAmd;
  QuantizeRule rule = QuantizeRule::kEven;
  std::vector<FormatOverride> overrides;
  std::vector<std::string> unencodable;  // tensors that stay as stored whatever the recipe says: they hold NaN
  int64_t shard_bytes = 5'000'000'000;
};

/// One source tensor and what becomes of it; done by one thread.
struct Conversion {
  SourceTensor source;
  TargetFormat format = TargetFormat::kKeep;
  std::vector<TensorSpec> tensors;  // of the target: see target_tensors

  int64_t target_bytes() const;
};

struct QuantizePlan {
  Glm52Config config;
  QuantizeRule rule = QuantizeRule::kEven;
  std::vector<Conversion> conversions;      // in the order of the model
  std::vector<std::vector<size_t>> shards;  // conversions of each file
  std::vector<std::string> notices;

  int64_t source_bytes() const;
  int64_t target_bytes() const;
  /// Tells this plan from any other: runs resume only their own.
  std::string fingerprint() const;
};

Result<QuantizePlan> make_quantize_plan(const Glm52Config& config, std::vector<SourceTensor> tensors,
                                        const PlanOptions& options);

}  // namespace drawbridge
