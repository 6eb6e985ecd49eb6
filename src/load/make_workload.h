// From options to a workload: the one place that knows every kind.
#pragma once

#include <memory>
#include <string>

#include "load/planned_request.h"
#include "load/prompt_text.h"
#include "load/sweep_point.h"

namespace drawbridge {

struct WorkloadOptions {
  std::string dataset = "random";  // or "sharegpt", "mooncake", "azure", "prompts"
  std::string path;                // of all but random
  int64_t n_prompt = 1024;
  int64_t n_output = 0;  // 0: as the file says; random: 128
  double range_ratio = 1;
  double cache_hit = 0;
  std::string cache_design = "shared";  // or "history", "history:TURNS"
  int64_t block_tokens = 512;           // of a Mooncake block as sent
  int64_t n_requests = 0;               // 0: no bound
  double duration_s = 0;
  uint64_t seed = 0;
};

/// Checks ranges, and that options go together.
Status check_workload_options(const WorkloadOptions& options);
bool is_trace(const WorkloadOptions& options);
bool is_history(const WorkloadOptions& options);

struct PointWorkload {
  std::unique_ptr<Workload> workload;
  double trace_rps = 0;    // mean rate of a trace as replayed
  int64_t n_openings = 0;  // warm-ups that open conversations
};

/// `text_seed` is of the words: another one for each point and each run, so that none meets what an earlier one left in
/// the server's cache.
Result<PointWorkload> make_workload(const WorkloadOptions& options, const SweepPoint& point, const TokenCosts& costs,
                                    uint64_t text_seed);

}  // namespace drawbridge
