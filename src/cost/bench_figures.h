// BenchFigures: what the cost of a run needs of a benchmark's result, whoever measured it. Read from the JSON of
// `drawbridge bench serve`, `sglang.bench_serving` (a line a run) and `vllm bench serve`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cost/rates.h"

namespace drawbridge {

struct BenchFigures {
  std::string name;     // the file, or who published it
  std::string device;   // what the result says it ran on; empty: it does not say
  std::string verdict;  // what the benchmark says of its own run; empty: nothing
  double duration_s = 0;
  double n_requests = 0;  // that succeeded
  double input_tokens = 0;
  std::optional<double> cached_tokens;  // of the input; absent: the result does not say
  double output_tokens = 0;
  std::optional<PhaseSeconds> busy;  // the server's own account of its time

  double requests_per_second() const { return n_requests / duration_s; }
  double output_per_second() const { return output_tokens / duration_s; }
  double cached_share() const { return cached_tokens.value_or(0) / input_tokens; }
  TokenMix tokens() const;
};

/// `run` chooses one of several lines, from 1; 0: there must be only one.
Result<BenchFigures> parse_bench_figures(std::string_view text, const std::string& source, int64_t run = 0);
Result<BenchFigures> read_bench_figures(const std::string& path, int64_t run = 0);

/// States the share of input that came from the cache, for a result that does not.
Status state_cached_share(BenchFigures& figures, double share);
/// States the server's own account of its time in the run, of each machine.
Status state_busy(BenchFigures& figures, const PhaseSeconds& busy);

}  // namespace drawbridge
