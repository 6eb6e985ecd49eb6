// A server's scheduler, radix tree and admission under a virtual clock, and users who talk to it: each sends a
// conversation's turns one after another, reads each answer for a while, and goes on with the next conversation.
// Everything but the seconds of a step is the real thing.
#pragma once

#include <cstdint>
#include <vector>

#include "sched/scheduler.h"

namespace drawbridge {

struct Turn {
  std::vector<int64_t> blocks;  // ids of the prompt's parts of page_size tokens, equal where the text is
  int64_t n_prompt = 0;
  int64_t n_output = 1;
  double pause_s = 0;  // after the answer before
};
using Conversation = std::vector<Turn>;

/// Seconds of a step, from what is in it.
struct StepTime {
  double step_s = 0;      // of any step
  double experts_s = 0;   // of reading all experts' weights
  double touched = 0;     // part of the experts that one token reads
  double token_s = 0;     // of a token's products
  double near_key_s = 0;  // of a token and key, up to near_keys of them: attention
  double far_key_s = 0;   // of a token and key: the indexer
  int64_t near_keys = 2048;

  double seconds(const Plan& plan) const;
};

struct LoopOptions {
  SchedulerOptions scheduling;
  StepTime step_time;
  int64_t n_users = 1;
};

struct LoopResult {
  double seconds = 0;
  int64_t n_requests = 0, n_prompt = 0, n_output = 0, n_cached = 0, n_preempted = 0, n_steps = 0;
  double mean_working_set_ratio = 0;
  std::vector<double> ttft_s;  // of each request, from its arrival

  double tokens_per_s() const { return static_cast<double>(n_prompt + n_output) / seconds; }
  double hit_ratio() const { return static_cast<double>(n_cached) / static_cast<double>(n_prompt); }
};

/// Until every conversation has ended.
LoopResult run_closed_loop(const std::vector<Conversation>& conversations, const LoopOptions& options);

}  // namespace drawbridge
