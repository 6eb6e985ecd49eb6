// pack_glm52_weights: the model's matrices in the order in which this backend's products read them.
#pragma once

#include <string>

#include "backend/backend.h"
#include "model/glm52_config.h"
#include "model/glm52_weights.h"

namespace drawbridge {

struct PackingOptions {
  int n_threads = 1;
  std::string cache;  // directory in which the panels are kept for the next start; empty: they are not
};

/// Repacks what the backend prefers in panels; the rest stays as it lies in the file. Says what was done, in a few
/// words for the start-up log; empty when nothing was.
Result<std::string> pack_glm52_weights(const Glm52Config& config, const Backend& backend, const PackingOptions& options,
                                       Glm52Weights& weights);

}  // namespace drawbridge
