// quantization_config of config.json for what was written, so that other engines build the same modules: AMD Quark's
// form where there is MXFP4, the official FP8 export's where there are only FP8 blocks.
#pragma once

#include "base/json.h"
#include "quantize/plan.h"

namespace drawbridge {

/// The source's config.json with a quantization_config that describes the target; without one when nothing is
/// quantized.
Json quantized_config_json(Json config, const QuantizePlan& plan);

}  // namespace drawbridge
