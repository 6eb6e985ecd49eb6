// One round of a test of `bench engine`: equal requests submitted together, and when their tokens came.
#pragma once

#include <chrono>
#include <cstdint>

#include "backend/trace_backend.h"
#include "base/result.h"
#include "engine/engine.h"

namespace drawbridge {

struct RoundShape {
  int64_t n_prompt = 1;    // tokens of each request
  int64_t n_generate = 0;  // counted after all streams have begun, each stream's share; 0: the prompt alone is timed
  int64_t n_streams = 1;
  int64_t step_tokens = 512;  // most tokens of a step, as the engine was made
};

struct RoundTimes {
  double first_token_s = 0;  // from submitting to the first token of any stream
  double decode_s = 0;       // in which n_streams * n_generate tokens came, all streams decoding; 0 without any
};

/// `salt` chooses the prompts, which mean nothing. A trace covers the prompt, or the tokens that are counted.
Result<RoundTimes> run_round(Engine& engine, const RoundShape& shape, int64_t salt, OpTrace* trace);

}  // namespace drawbridge
