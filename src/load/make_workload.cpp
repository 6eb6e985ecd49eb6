#include "load/make_workload.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/mapped_file.h"
#include "load/history_workload.h"
#include "load/prompt_file.h"
#include "load/random_workload.h"
#include "load/trace.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxFileBytes = size_t{2} << 30;
constexpr size_t kMaxRequests = 1'000'000;
constexpr int64_t kDefaultOutput = 128;
constexpr double kTurnGapSeconds = 60;  // between a conversation's turns in an open loop
constexpr int64_t kLeastVisits = 8;     // of each open conversation in a run

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

size_t n_wanted(const WorkloadOptions& o) {
  return o.n_requests > 0 ? static_cast<size_t>(o.n_requests) : kMaxRequests;
}

Result<std::string> read_dataset(const WorkloadOptions& o) {
  DB_ASSIGN(std::string text, read_text_file(o.path, kMaxFileBytes));
  if (!text.starts_with("\x1f\x8b")) return text;
  return fail(Code::kUnsupported, "{}: wanted text, found gzip; unpack it first: gunzip -k {}", o.path, o.path);
}

int64_t history_turns(const std::string& design) {
  int64_t n_turns = 0;
  const size_t colon = design.find(':');
  if (colon == std::string::npos) return 0;
  const auto [end, error] = std::from_chars(design.data() + colon + 1, design.data() + design.size(), n_turns);
  return error == std::errc() && end == design.data() + design.size() ? n_turns : -1;
}

/// Enough conversations for a minute between two turns of one, and few enough that each is met often.
int64_t n_lanes(const WorkloadOptions& o, const SweepPoint& point) {
  if (point.is_closed()) return point.concurrency;
  const double rate = std::min(point.rate_rps, 1e6);
  const double n_expected = o.n_requests > 0 ? static_cast<double>(o.n_requests) : rate * o.duration_s;
  const double n_lanes = std::min(rate * kTurnGapSeconds, n_expected / static_cast<double>(kLeastVisits));
  return std::max<int64_t>(1, std::llround(std::ceil(n_lanes)));
}

Result<PointWorkload> make_trace(const WorkloadOptions& o, const SweepPoint& point, PromptText text) {
  DB_ASSIGN(const std::string file, read_dataset(o));
  DB_ASSIGN(std::vector<TraceRequest> trace, o.dataset == "mooncake" ? parse_mooncake_trace(file, o.path, n_wanted(o))
                                                                     : parse_azure_trace(file, o.path, n_wanted(o)));
  const double span_s = std::max(trace.back().at_s, 1e-6);
  const double rate = static_cast<double>(std::max<size_t>(trace.size() - 1, 1)) / span_s;
  TraceWorkloadOptions options{file_name(o.path), o.block_tokens, o.n_output, 1};
  PointWorkload made;
  made.trace_rps = rate;
  if (point.rate_rps > 0 && std::isfinite(point.rate_rps)) {
    options.time_scale = rate / point.rate_rps;
    made.trace_rps = point.rate_rps;
  }
  made.workload = make_trace_workload(options, std::move(trace), std::move(text));
  return made;
}

Result<PointWorkload> make_prompts(const WorkloadOptions& o, const TokenCosts& costs) {
  DB_ASSIGN(const std::string file, read_dataset(o));
  DB_ASSIGN(std::vector<FilePrompt> prompts, o.dataset == "sharegpt" ? parse_sharegpt_file(file, o.path, n_wanted(o))
                                                                     : parse_prompt_file(file, o.path, n_wanted(o)));
  PointWorkload made;
  DB_ASSIGN(made.workload, make_prompt_workload({file_name(o.path), o.n_output}, std::move(prompts), costs));
  return made;
}

Result<PointWorkload> make_history(const WorkloadOptions& o, const SweepPoint& point, PromptText text) {
  HistoryWorkloadOptions options;
  options.n_prompt = o.n_prompt;
  options.n_output = o.n_output > 0 ? o.n_output : kDefaultOutput;
  options.cache_hit = o.cache_hit;
  options.n_turns = history_turns(o.cache_design);
  options.n_lanes = n_lanes(o, point);
  PointWorkload made;
  DB_ASSIGN(made.workload, make_history_workload(options, std::move(text)));
  made.n_openings = options.n_lanes;
  return made;
}

Status check_range(const char* option, double value, double least, double most) {
  if (value >= least && value <= most) return Status();
  return fail(Code::kInvalidArgument, "{}: wanted {} to {}, found {}", option, least, most, value);
}

}  // namespace

bool is_trace(const WorkloadOptions& o) {
  return o.dataset == "mooncake" || o.dataset == "azure";
}

bool is_history(const WorkloadOptions& o) {
  return o.dataset == "random" && o.cache_hit > 0 && o.cache_design.starts_with("history");
}

Status check_workload_options(const WorkloadOptions& o) {
  const bool is_random = o.dataset == "random";
  DB_TRY(check_range("--input", static_cast<double>(o.n_prompt), 1, 1e7));
  DB_TRY(check_range("--output", static_cast<double>(o.n_output), 0, 1e7));
  DB_TRY(check_range("--range-ratio", o.range_ratio, 0, 1));
  DB_TRY(check_range("--cache-hit", o.cache_hit, 0, 0.99));
  DB_TRY(check_range("--trace-block-tokens", static_cast<double>(o.block_tokens), 1, 1 << 20));
  if (!is_random && o.path.empty()) {
    return fail(Code::kInvalidArgument, "--dataset {}: wanted its file, as --dataset {}:FILE, found none", o.dataset,
                o.dataset);
  }
  if (!is_random && o.cache_hit > 0) {
    return fail(Code::kInvalidArgument, "--cache-hit: wanted with --dataset random alone, found with {}", o.dataset);
  }
  const std::string& design = o.cache_design;
  const bool is_known =
      design == "shared" || design == "history" || (design.starts_with("history:") && history_turns(design) >= 2);
  if (!is_known) {
    return fail(Code::kInvalidArgument, "--cache-design: wanted shared, history or history:TURNS (2 or more), found {}",
                design);
  }
  if (is_history(o) && o.range_ratio < 1) {
    return fail(Code::kUnsupported, "--range-ratio: wanted 1 with --cache-design history, found {}", o.range_ratio);
  }
  return Status();
}

Result<PointWorkload> make_workload(const WorkloadOptions& o, const SweepPoint& point, const TokenCosts& costs,
                                    uint64_t text_seed) {
  PromptText text(costs, text_seed);
  if (is_trace(o)) return make_trace(o, point, std::move(text));
  if (o.dataset != "random") return make_prompts(o, costs);
  if (is_history(o)) return make_history(o, point, std::move(text));
  PointWorkload made;
  const int64_t n_output = o.n_output > 0 ? o.n_output : kDefaultOutput;
  DB_ASSIGN(made.workload,
            make_random_workload({o.n_prompt, n_output, o.range_ratio, o.cache_hit, o.seed}, std::move(text)));
  return made;
}

}  // namespace drawbridge
