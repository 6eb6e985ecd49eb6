// The requests of a proof: two turns of conversations that share beginnings, of several lengths, half of them greedy,
// the others drawn with a seed. The same in every run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace drawbridge {

struct ProofWorkload {
  int64_t n_requests = 64;     // of a turn
  int64_t prompt_tokens = 96;  // of the longest first turn
  int64_t max_tokens = 24;     // of each answer

  /// Of the longest second turn with its answer.
  int64_t longest() const;
};

/// What one request was answered.
struct Transcript {
  std::vector<int32_t> tokens;
  std::vector<std::vector<float>> logits;  // [V] for each
};

struct ProofRun {
  std::vector<Transcript> turns[2];  // by request
  int64_t peak_streams = 0;          // requests that had a first token and were not done, at most at one time
  EngineStats stats;
};

/// The second turn goes on behind the answers of `wanted`, if there is one, so that a difference stays where it began.
Result<ProofRun> run_workload(Engine& engine, const ProofWorkload& workload, const ProofRun* wanted);

}  // namespace drawbridge
