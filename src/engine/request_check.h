// Refuses a request whose values make no sense, naming the field, before it reaches the engine thread.
#pragma once

#include "engine/engine.h"

namespace drawbridge {

Status check_request(const GenerateRequest& request, int64_t vocab, int64_t max_context);

}  // namespace drawbridge
