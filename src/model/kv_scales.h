// Scales of the plain FP8 cache: one for each layer's latent and rope key, x = e4m3 * scale. Stored in a checkpoint as
// F32 [1] `model.layers.N.self_attn.kv_scale`. Index keys need none: each carries its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "model/calibration_stats.h"
#include "model/glm52_config.h"

namespace drawbridge {

std::string kv_scale_name(int64_t layer);

/// The checkpoint's scales, [n_all_layers]; nothing when it has none. An MTP layer without one has 1.
/// Errors: some layers have one and others not, a scale that is not F32 [1] (or []), finite and above 0.
Result<std::optional<std::vector<float>>> find_kv_scales(const Glm52Config& config, const Checkpoint& checkpoint);

struct KvScaleTensor {
  std::string name;
  float value = 0;  // stored as F32 [1]
};

/// The tensors that calibration gives a checkpoint: amax / 448 for each layer; 1 where nothing but zeros was seen.
/// Errors: a layer that the statistics lack (the MTP layer may).
Result<std::vector<KvScaleTensor>> kv_scale_tensors(const Glm52Config& config, const CalibrationStats& stats);

}  // namespace drawbridge
