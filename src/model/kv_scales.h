// Scales of the plain FP8 cache: one for each layer's latent and rope key, x = e4m3 * scale. Stored as F32 [1]
// `model.layers.N.self_attn.kv_scale`, among the checkpoint's tensors or in a file of their own beside them. Index keys
// need none: each carries its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "model/calibration_stats.h"
#include "model/glm52_config.h"

namespace drawbridge {

inline constexpr std::string_view kKvScalesFile = "kv_scales.safetensors";

std::string kv_scale_name(int64_t layer);

/// The checkpoint's scales, [n_all_layers], or those of kKvScalesFile in its directory; nothing when there are none. An
/// MTP layer without one has 1. Errors: some layers have one and others not, a scale that is not F32 [1] (or []),
/// finite and above 0, scales in both places.
Result<std::optional<std::vector<float>>> find_kv_scales(const Glm52Config& config, const Checkpoint& checkpoint);

struct KvScaleTensor {
  std::string name;
  float value = 0;  // stored as F32 [1]
};

/// The tensors that calibration gives a checkpoint: amax / 448 for each layer; 1 where nothing but zeros was seen.
/// Errors: a layer that the statistics lack (the MTP layer may).
Result<std::vector<KvScaleTensor>> kv_scale_tensors(const Glm52Config& config, const CalibrationStats& stats);

/// Writes kKvScalesFile, whole or not at all. Error: `directory` has one already.
Status write_kv_scales(const std::string& directory, const std::vector<KvScaleTensor>& scales);

}  // namespace drawbridge
