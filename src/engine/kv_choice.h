// What the cache stores: --kv-cache-dtype and --kv-scale against what the checkpoint has. FP8 with one scale a layer
// needs measured scales: without them values are clipped or lost where nobody sees it, so that is refused unless asked
// for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "engine/engine.h"
#include "model/glm52_config.h"
#include "tensor/kv_format.h"

namespace drawbridge {

/// The cache's type: that of `preset` for auto. Errors: an unknown name, a scale that is none or that nothing uses.
Result<KvCacheType> choose_kv_type(const EngineOptions& options, KvCacheType preset);

/// Scales of fp8_e4m3, one for each layer: `given` for all, or the checkpoint's. Empty for other types.
Result<std::vector<float>> choose_kv_scales(const Glm52Config& config, const Checkpoint& checkpoint, KvCacheType type,
                                            std::optional<float> given);

/// What the user must know about the choice.
std::vector<std::string> kv_notices(const EngineOptions& options, const Glm52Config& config,
                                    const Checkpoint& checkpoint);

}  // namespace drawbridge
