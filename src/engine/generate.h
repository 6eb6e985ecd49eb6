// generate: one request, waited for. For the command line and tests.
#pragma once

#include <functional>
#include <string>

#include "engine/engine.h"

namespace drawbridge {

struct Completion {
  std::string text;
  std::vector<int32_t> tokens;
  Finish finish;
};

/// Submits, waits, returns the whole completion; `on_text` hears each piece as it comes (on the engine thread).
Result<Completion> generate(Engine& engine, GenerateRequest request,
                            const std::function<void(const std::string&)>& on_text = {});

const char* finish_reason_name(FinishReason reason);

}  // namespace drawbridge
