// measure_distance: two checkpoints read the same text side by side, chunk by chunk; never more than a chunk's logits
// of both are in memory.
#pragma once

#include <functional>
#include <string>

#include "engine/engine.h"
#include "eval/distribution_report.h"

namespace drawbridge {

struct DistanceOptions {
  EngineOptions reference;  // model, numerics, kernels, cache; contexts and chunks are set below
  EngineOptions candidate;
  std::string text;            // file
  int64_t context = 0;         // tokens of a window; 0: 4 times index_topk, at most what both models can read
  int64_t chunk_tokens = 128;  // computed in one step
  int64_t max_tokens = 0;      // of all windows; 0: the whole text
  bool join = false;           // the text is one document
  bool prefix = true;          // windows begin with "[gMASK]<sop>" if the tokenizer has both
  int64_t n_canaries = 2;      // windows of each length; 0: none
  uint64_t seed = 1;           // of the canaries
};

/// Tokens read of tokens to read.
using TokenProgress = std::function<void(int64_t done, int64_t total)>;

/// Errors: what loading says; configs that are not of one shape; tokenizers that cut the text differently; logits that
/// are not finite.
Result<DistributionReport> measure_distance(const DistanceOptions& options, const TokenProgress& progress);

}  // namespace drawbridge
