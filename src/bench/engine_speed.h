// `drawbridge bench engine`: prefill and decode speed of a model through the real engine, one stream or several.
//
// Each test is one warm-up and n timed rounds. Prefill is the time from submit to the first token of a random prompt;
// decode is the rate of the tokens after the first. Rows are named as llama-bench names them: pp512, tg128.
// Decoding one stream reads every active weight once a token, so its rate is also told as the share of the memory
// bandwidth measured in the same run; caches and KV reads are not counted. A profile takes rounds of its own, so that
// the others are not slowed by it.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/profile.h"
#include "bench/samples.h"
#include "engine/engine.h"

namespace drawbridge {

struct BenchEngineOptions {
  EngineOptions engine;
  std::vector<int64_t> prompt_tokens = {512};    // one prefill test each
  std::vector<int64_t> generate_tokens = {128};  // one decode test each, after a prompt of 16 tokens
  int64_t n_streams = 1;                         // equal requests at once in a decode test
  int n_rounds = 5;
  bool profile = false;
  MachineOptions machine;  // how the limits are measured
  bool json = false;
};

struct SpeedRow {
  std::string test;     // "pp512", "tg128"
  Spread tokens_per_s;  // all streams together
  /// Of decoding one stream: GB/s of weights that its rate means. Absent where tokens share what is read.
  std::optional<double> weight_gb_per_s;
  /// Of the round whose steps took the median time. Of prefill: all its steps; of decoding: those of all streams.
  std::optional<Profile> profile;
};

/// What the weights that one decoded token reads cost at least.
struct ReadFloor {
  int64_t bytes_per_token = 0;
  MachineLimits limits;  // of all threads, measured just before and just after the tests
  /// Whether the weights of a token outgrow the last-level cache; smaller ones are not read from memory each time.
  bool from_memory = true;
};

/// Runs the tests in turn on an engine that was made with `trace`.
Result<std::vector<SpeedRow>> measure_engine(Engine& engine, const BenchEngineOptions& options, OpTrace& trace);

/// Loads the model, measures, prints a table (or one JSON object) to `out`.
Status run_bench_engine(const BenchEngineOptions& options, std::ostream& out);

}  // namespace drawbridge
