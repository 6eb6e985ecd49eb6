// LoadReport: a load run, or a sweep of them, judged. What it says in words, in JSON and as a page, and in the shapes
// that scripts for sglang's and vLLM's benchmarks read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "load/load_run.h"
#include "verdict/check.h"
#include "verdict/figures.h"

namespace drawbridge {

struct LoadReportOptions {
  double ttft_limit_s = 5, tpot_limit_s = 0, e2e_limit_s = 0;  // 0: no limit
  double ttft_percentile = 95;                                 // at which the limits must hold
  uint64_t seed = 0;                                           // of the bootstrap

  LoadLimits limits() const { return {ttft_limit_s, tpot_limit_s, e2e_limit_s, ttft_percentile}; }
};

struct JudgedPoint {
  Figures figures;
  std::vector<Check> checks;
  LoadVerdict verdict = LoadVerdict::kInsufficient;

  /// Whether anything but the server's own word supports its tokens/s.
  bool tokens_are_confirmed() const;
};

/// Behind tokens/s that nothing confirms, and what it means.
inline constexpr const char* kUnconfirmed = "unconfirmed";
inline constexpr const char* kUnconfirmedNote =
    "unconfirmed: tokens are what the server claims, and no check supports the claim (see tokens, throughput).";

struct LoadReport {
  LoadReportOptions options;
  std::vector<LoadRun> runs;        // by offered load
  std::vector<JudgedPoint> points;  // of each run
  std::optional<size_t> best;       // the highest load that passed, none behind one that did not
  std::optional<Check> knee;        // of a sweep: whether it went past what the server sustains
  LoadVerdict verdict = LoadVerdict::kInsufficient;

  bool tokens_are_confirmed() const;  // of all points
};

/// One run: the gravest of its checks. A sweep passes if some load passes and a higher one fails by the server alone:
/// loads past the knee are meant to fail there, so that their own failures count for nothing else.
LoadReport make_report(std::vector<LoadRun> runs, const LoadReportOptions& options);

/// "2.4 requests/s", "32 in flight", "all at once".
std::string offered_load(const LoadSetup& setup);

/// "offered", "sustained", "output tok/s", "TTFT p50", "TTFT p95", "success" of each point.
std::string article_table(const LoadReport& report);
/// The verdict, the checks of each point that did not pass, and what to do.
std::string verdict_text(const LoadReport& report);
Json report_json(const LoadReport& report);
/// One self-contained page: no script, nothing loaded, all text escaped.
std::string report_html(const LoadReport& report);

// What sglang.bench_serving and `vllm bench serve` would have printed and saved of this run: over the whole run,
// without warm-up requests, latencies from when requests were sent.
std::string sglang_block(const LoadReport& report, size_t point);
std::string vllm_block(const LoadReport& report, size_t point);
Json sglang_json(const LoadReport& report, size_t point);
Json vllm_json(const LoadReport& report, size_t point);

}  // namespace drawbridge
