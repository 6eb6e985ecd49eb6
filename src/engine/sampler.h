// Sampling one token from logits, which the last product left in the second-level cache: the limit is one pass over
// them, 6 us for 154,880. Measured (lab/sampler.cpp): the most likely 33 us, top-k 40 with top-p 0.95 66 us, with
// log-probabilities 560 us.
//
// Deterministic: the random number depends on (seed, position) alone, so a request's text does not depend on its
// neighbours, on chunking or on a preemption.
// Order as in vLLM: penalties and bias, temperature, top-k, top-p, min-p. Log-probabilities are of the raw logits.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace drawbridge {

struct Sampled {
  int32_t token = 0;
  TokenLogprob chosen;                     // valid when logprobs were asked for
  std::vector<TokenLogprob> alternatives;  // most likely first
};

/// How often each token stands in the text so far, for penalties.
struct TokenCounts {
  std::unordered_map<int32_t, int32_t> prompt;
  std::unordered_map<int32_t, int32_t> generated;
};

/// The log-probability of `token` after `logits` [V], and the n_alternatives most likely ones.
ScoredToken score(std::span<const float> logits, int32_t token, int32_t n_alternatives);

/// One token from `logits` [V], which are overwritten. kInternal when a logit is not a number.
/// Ties at temperature 0 go to the lower id.
Result<Sampled> sample(std::span<float> logits, const SamplingOptions& options, const TokenCounts& counts,
                       uint64_t seed, uint64_t position);

}  // namespace drawbridge
