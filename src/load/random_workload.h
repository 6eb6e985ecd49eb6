// Requests of drawn lengths and drawn words; cache hits, where wanted, by one prefix that all of them share.
#pragma once

#include <memory>

#include "load/planned_request.h"
#include "load/prompt_text.h"

namespace drawbridge {

struct RandomWorkloadOptions {
  int64_t n_prompt = 1024;  // tokens, the server's template included
  int64_t n_output = 128;
  double range_ratio = 1;  // lengths are uniform from this part of the above to all of it (sglang's meaning)
  double cache_hit = 0;    // share of each prompt that is the shared prefix
  uint64_t seed = 0;       // of the lengths
};

/// Error: a prompt has no room for a word beside what the server adds.
Result<std::unique_ptr<Workload>> make_random_workload(const RandomWorkloadOptions& options, PromptText text);

}  // namespace drawbridge
