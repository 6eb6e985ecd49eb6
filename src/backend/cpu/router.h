// Routing of one token, shared by the CPU backends: near ties between experts must fall the same way in all of them.
//
// E logits from the cache, an exponential in f64 each, then a partial sort. Measured (lab/router.cpp): 1 us for 64
// experts, 3 us for 256, most of it in exp; a layer's experts take hundreds of times as long.
#pragma once

#include "backend/backend.h"

namespace drawbridge {

/// Backend::route for row t, in f32 with the sigmoid rounded once.
void route_token(const View& expert, const View& weight, const View& logit, std::span<const float> bias,
                 const RouterOptions& options, int64_t t);

}  // namespace drawbridge
