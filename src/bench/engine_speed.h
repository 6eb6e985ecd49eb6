// `drawbridge bench engine`: prefill and decode speed of a model through the real engine, as llama-bench tells it: one
// line a test, mean and deviation, the build at the foot.
//
// Each test is one warm-up and n timed rounds. pp512: a random prompt, from submitting it to its first token. tg128:
// 128 tokens of each stream, once all streams decode. "@ d2048": at that depth. Decoding then follows a prompt of 2,048
// tokens; of a prompt 2,048 longer the last 512 are what it takes more than the first 2,048 alone, measured in turn.
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
  std::vector<int64_t> prompt_tokens = {512};    // one prefill test each, and depth
  std::vector<int64_t> generate_tokens = {128};  // one decode test each, depth and number of streams
  std::vector<int64_t> depths = {0};             // tokens before those that are timed
  std::vector<int64_t> streams = {1};            // equal requests at once in decode tests
  int n_rounds = 5;
  bool profile = false;
  MachineOptions machine;     // how the limits are measured
  std::string output = "md";  // md, csv, json (one object), jsonl (one a test)
};

/// What is timed, in llama-bench's words: one of n_prompt and n_generate is 0.
struct SpeedTest {
  int64_t n_prompt = 0;
  int64_t n_generate = 0;
  int64_t depth = 0;
  int64_t n_streams = 1;

  /// "pp512", "tg128 @ d2048"
  std::string name() const;
  /// That one sample counts, of all streams.
  int64_t n_tokens() const { return n_prompt + n_generate * n_streams; }
};

struct SpeedRow {
  SpeedTest test;
  std::string started;             // "2026-11-25T03:15:00Z"
  std::vector<double> seconds;     // of each round
  std::optional<Profile> profile;  // of the round whose steps took the median time

  /// Tokens a second of each round, all streams together.
  std::vector<double> rates() const;
  /// Of decoding one stream: GB/s of weights that its median rate means. Absent where tokens share what is read.
  std::optional<double> weight_gb_per_s(int64_t bytes_per_token) const;
};

/// What the weights that one decoded token reads cost at least.
struct ReadFloor {
  int64_t bytes_per_token = 0;
  MachineLimits limits;  // of all threads, measured just before and just after the tests
  /// Whether the weights of a token outgrow the last-level cache; smaller ones are not read from memory each time.
  bool from_memory = true;
};

/// The tests of these options, in order. Errors: a number that no test can have, by option.
Result<std::vector<SpeedTest>> speed_tests(const BenchEngineOptions& options);

/// Runs the tests in turn on an engine that was made with `trace`.
Result<std::vector<SpeedRow>> measure_engine(Engine& engine, const BenchEngineOptions& options, OpTrace& trace);

/// Loads the model, measures, writes the report to `out`.
Status run_bench_engine(const BenchEngineOptions& options, std::ostream& out);

}  // namespace drawbridge
