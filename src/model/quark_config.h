// quantization_config of config.json for a checkpoint that we write, so that other engines build the same modules: AMD
// Quark's form where there is MXFP4, the official FP8 export's where there are only FP8 blocks.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "tensor/matrix.h"

namespace drawbridge {

/// A matrix by its module's name, without ".weight".
struct StoredModule {
  std::string name;
  WeightFormat format = WeightFormat::kBF16;
};

/// Null when nothing is MXFP4 or FP8. Every module that is neither is excluded by name: as the checkpoint spells it, as
/// engines spell the modules that they fuse, and, for the MTP layer `n_layers`, as sglang's draft model calls it. Of q8
/// nothing is said.
Json quantization_config_json(const std::vector<StoredModule>& modules, int64_t n_layers);

}  // namespace drawbridge
