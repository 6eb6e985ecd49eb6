// The engine of this process as a ChatTarget.
#pragma once

#include <functional>
#include <memory>

#include "engine/engine.h"
#include "eval/chat_target.h"

namespace drawbridge {

/// Loads the model. Questions that are being answered when `should_stop` turns true end as cancelled.
Result<std::unique_ptr<ChatTarget>> make_engine_target(const EngineOptions& options,
                                                       std::function<bool()> should_stop = {});

}  // namespace drawbridge
