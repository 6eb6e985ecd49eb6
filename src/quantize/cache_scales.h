// Scales of an FP8 cache that the target gets.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/kv_scales.h"

namespace drawbridge {

/// Those of the calibration statistics in the file `calibration`; without one (an empty name) those that the source
/// directory has, in its weights or beside them; none if it has none.
Result<std::vector<KvScaleTensor>> target_kv_scales(const Glm52Config& config, const std::string& source,
                                                    const std::string& calibration);

}  // namespace drawbridge
