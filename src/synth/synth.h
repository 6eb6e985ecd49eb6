// `drawbridge synth`: a checkpoint of random weights for any glm_moe_dsa config, so that speed and memory can be
// measured without the real weights. Same seed, same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "synth/stored_plan.h"

namespace drawbridge {

struct SynthOptions {
  std::string source;     // a config.json, or a directory that holds one
  std::string target;     // directory to be made
  std::string tokenizer;  // directory whose tokenizer files are copied; empty: none
  SynthDType dtype = SynthDType::kBF16;
  uint64_t seed = 0;
  int64_t shard_bytes = 5'000'000'000;
};

/// Bytes written so far, and in all.
using SynthProgress = std::function<void(int64_t done, int64_t total)>;

/// Writes weights, config.json, generation_config.json and a README that says what they are. Streams: memory does not
/// grow with the model. The target appears when it is complete. Errors: a config that we do not compute, a target that
/// exists, too little room on the disk, a tokenizer directory without tokenizer.json.
Status synthesize(const SynthOptions& options, const SynthProgress& progress = {});

}  // namespace drawbridge
