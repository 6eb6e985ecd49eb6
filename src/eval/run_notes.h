// What the scores of a run do not say: how long its prompts were, and which items count as wrong without an answer.
#pragma once

#include <string>

#include "eval/result.h"

namespace drawbridge {

struct PromptLengths {
  int64_t n = 0;  // items whose prompt was counted
  int64_t shortest = 0;
  int64_t median = 0;
  int64_t p90 = 0;
  int64_t longest = 0;
  int64_t n_beyond = 0;  // items with more tokens than index_topk, answer included: the sparse indexer left some out
};

PromptLengths prompt_lengths(const TaskResult& task, int64_t index_topk);

/// A few lines, each ended. `index_topk` 0: not known.
std::string run_notes(const SystemResult& system, int64_t index_topk);

}  // namespace drawbridge
