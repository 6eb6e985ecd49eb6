// Recipes: which matrices are stored in which format. A recipe speaks of the model's parts; overrides of single tensors
// by name come after it, and the last one wins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "quantize/target_format.h"

namespace drawbridge {

enum class Recipe : uint8_t {
  kAmd,         // routed and shared experts of the main layers in MXFP4, as amd/GLM-5.2-MXFP4
  kExperts,     // routed experts of the main layers alone
  kExpertsFp8,  // as kAmd, and what the official FP8 export quantizes in FP8 blocks
  kAll,         // every matrix in MXFP4 but router, embeddings, head and the indexer's weights_proj
};

/// "amd", "experts", "experts+fp8", "all".
const char* recipe_name(Recipe recipe);
std::optional<Recipe> recipe_from_name(std::string_view name);

struct FormatOverride {
  std::string glob;  // of a tensor's name: `*`, `?`
  TargetFormat format = TargetFormat::kKeep;
};

/// Reads "GLOB=FORMAT".
Result<FormatOverride> parse_format_override(const std::string& text);

struct FormatChoice {
  std::vector<TargetFormat> formats;  // of each source tensor
  std::vector<std::string> notices;   // matrices whose width does not fit the format
};

/// Errors: an override that names nothing, or something that is no matrix or whose width does not fit.
Result<FormatChoice> choose_formats(const std::vector<SourceTensor>& tensors, Recipe recipe,
                                    const std::vector<FormatOverride>& overrides);

}  // namespace drawbridge
