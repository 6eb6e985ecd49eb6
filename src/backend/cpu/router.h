// Routing of one token, shared by the CPU backends: near ties between experts must fall the same way in all of them.
#pragma once

#include "backend/backend.h"

namespace drawbridge {

/// Backend::route for row t, in f32 with the sigmoid rounded once.
void route_token(const View& expert, const View& weight, const View& logit, std::span<const float> bias,
                 const RouterOptions& options, int64_t t);

}  // namespace drawbridge
