// Traces of real traffic: when requests came, how long they were, and which parts of their prompts they shared.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/planned_request.h"
#include "load/prompt_text.h"

namespace drawbridge {

struct TraceRequest {
  double at_s = 0;  // since the trace's first
  int64_t n_prompt = 0;
  int64_t n_output = 0;
  std::vector<int64_t> blocks;  // ids of the prompt's parts, equal where the text is; empty: shares nothing
};

/// Tokens of one block in Mooncake's traces.
inline constexpr int64_t kMooncakeBlock = 512;

// Both read at most `max_requests` and check every line that they read: "FILE:LINE: wanted ..., found ...".

/// JSON lines of timestamp (ms), input_length, output_length and hash_ids.
Result<std::vector<TraceRequest>> parse_mooncake_trace(std::string_view text, const std::string& path,
                                                       size_t max_requests);
/// CSV of TIMESTAMP,ContextTokens,GeneratedTokens.
Result<std::vector<TraceRequest>> parse_azure_trace(std::string_view text, const std::string& path,
                                                    size_t max_requests);

struct TraceWorkloadOptions {
  std::string name;                       // of the trace, for people
  int64_t block_tokens = kMooncakeBlock;  // of one block as sent; prompts scale with it
  int64_t max_output = 0;                 // answers are cut to it; 0: as in the trace
  double time_scale = 1;                  // of the times: 2 takes twice as long
};

/// One pass over the trace; every request is alone.
std::unique_ptr<Workload> make_trace_workload(const TraceWorkloadOptions& options, std::vector<TraceRequest> trace,
                                              PromptText text);

}  // namespace drawbridge
