// generation_config.json: what a request means that does not say how to sample, and which tokens end a text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge {

struct GenerationConfig {
  float temperature = 1.0f;
  float top_p = 1.0f;
  std::optional<std::vector<int32_t>> eos;  // where present they stand for config.json's, as in HuggingFace
  std::vector<std::string> notices;
};

/// One id or a list of at most 64, each below `vocab`; nothing for anything else.
std::optional<std::vector<int32_t>> read_token_ids(const Json& value, int64_t vocab);

/// A wrong value is refused by name. A missing file is a notice, and so are keys that would change sampling but have no
/// counterpart in our defaults (top_k, repetition_penalty, ...).
Result<GenerationConfig> load_generation_config(const std::string& directory, int64_t vocab);

}  // namespace drawbridge
