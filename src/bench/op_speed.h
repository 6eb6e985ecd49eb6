// `drawbridge bench ops`: the ops of a model's step, one by one, at several numbers of tokens, beside the least time
// that the machine needs for each.
//
// Shapes and formats are those of a model directory; weights are random, in the order in which the engine keeps them,
// and so many copies of them are taken in turn that they come from memory, as in a step. Values between ops stay in
// the caches, as they do there too.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/machine.h"
#include "bench/samples.h"

namespace drawbridge {

struct BenchOpsOptions {
  std::string model;             // a directory with config.json; tensors say the formats where there are any
  std::vector<std::string> ops;  // as Backend names them; empty: all
  std::vector<int64_t> tokens = {1, 8, 512};  // of a step
  std::string format = "model";               // of attention, indexer and MLPs: model, bf16, fp8, mxfp4, q8
  std::string activation = "auto";            // as EngineOptions has them
  std::string isa = "auto";
  int64_t n_threads = 0;
  std::string kv_cache_dtype = "bf16";  // f32, bf16, fp8_e4m3, fp8_ds_mla
  int64_t context = 0;                  // tokens before the end of the step; 0: twice what the indexer lets through
  int n_rounds = 10;                    // samples of each op
  double sample_s = 0.01;               // length of one at least
  int64_t footprint = 0;  // bytes of weights that are read before the first come again; 0: four last-level caches
  bool json = false;
  MachineOptions machine;  // how the limits are measured
  /// Which op is next.
  std::function<void(int64_t done, int64_t total, const std::string& op)> progress;
};

struct OpSpeedRow {
  std::string op;
  std::string name;     // what it computes in the model
  std::string weights;  // "512 x 2048 mxfp4"
  int64_t n_tokens = 0;
  Spread us;              // of one call
  double bytes = 0;       // of one call, as op_cost.h counts them
  double operations = 0;  // likewise
  double least_us = 0;    // by the limits
};

struct OpSpeedReport {
  std::string backend;
  MachineLimits limits;
  std::vector<OpSpeedRow> rows;
};

/// Errors: a wrong option, by name; a directory without a config.json that we compute; no memory.
Result<OpSpeedReport> measure_ops(const BenchOpsOptions& options);

/// Measures, prints a table (or one JSON object) to `out`.
Status run_bench_ops(const BenchOpsOptions& options, std::ostream& out);

}  // namespace drawbridge
