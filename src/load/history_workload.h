// Conversations whose turns hold the answers before them: cache hits as chats and agents make them.
//
// Turn i's prompt holds turn i-1's and its answer, which the server has seen. Lengths follow from what is asked: with
// T turns that add the same number of tokens, there is one first length and one step for which prompts are N tokens
// and hits a share of them on average (history_shape). The answers are the ones received, so both hold exactly where
// each is as long as it was asked for: use it with ignore_eos.
#pragma once

#include <memory>

#include "load/planned_request.h"
#include "load/prompt_text.h"

namespace drawbridge {

struct HistoryWorkloadOptions {
  int64_t n_prompt = 1024;  // tokens, on average over the turns of a conversation
  int64_t n_output = 128;   // of each answer
  double cache_hit = 0.6;
  int64_t n_turns = 0;  // of each conversation; 0: the fewest with which the above is possible
  int64_t n_lanes = 1;  // conversations that are open at once
};

/// Tokens of a conversation's turns.
struct HistoryShape {
  int64_t n_turns = 0;
  int64_t n_first = 0;  // of the first prompt
  int64_t n_step = 0;   // by which each prompt is longer than the one before: an answer and a question

  int64_t prompt_of(int64_t turn) const { return n_first + turn * n_step; }
};

/// Error: no conversation of that many turns (or of up to 64) has these averages; it says what would be possible.
Result<HistoryShape> history_shape(const HistoryWorkloadOptions& options, const TokenCosts& costs);

Result<std::unique_ptr<Workload>> make_history_workload(const HistoryWorkloadOptions& options, PromptText text);

}  // namespace drawbridge
