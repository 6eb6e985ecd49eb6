#include "cost/bench_figures.h"

#include <cmath>
#include <vector>

#include "base/json_members.h"
#include "base/mapped_file.h"
#include "cost/load_report_figures.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxFileBytes = 256u << 20;  // vLLM may have written every token's time into it
constexpr double kRateTolerance = 0.02;       // a rate is printed rounded, and may count a moment more or less

/// A rate that contradicts the counts means that one of them is something else than we think.
Status check_rate(const Json& json, const char* key, double counted, const std::string& source) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return {};
  const double rate = found->get<double>();
  if (std::abs(rate - counted) <= kRateTolerance * counted) return {};
  return fail(Code::kCorrupt, "{}: {}: wanted {:.4g} as the counts and the duration say, found {:.4g}", source, key,
              counted, rate);
}

/// sglang's and vLLM's result, whose names agree.
Result<BenchFigures> read_flat(const Json& json, const std::string& source) {
  BenchFigures f;
  f.name = source;
  DB_ASSIGN(f.duration_s, positive_member(json, "duration", source));
  DB_ASSIGN(f.n_requests, positive_member(json, "completed", source));
  DB_ASSIGN(f.input_tokens, positive_member(json, "total_input_tokens", source));
  DB_ASSIGN(f.output_tokens, positive_member(json, "total_output_tokens", source));
  DB_TRY(check_rate(json, "request_throughput", f.requests_per_second(), source));
  DB_TRY(check_rate(json, "output_throughput", f.output_per_second(), source));
  const Json device = json.value("device", Json());  // vLLM's --metadata device=B200
  if (device.is_string()) f.device = device.get<std::string>();
  return f;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines.push_back(line);
    at = end + 1;
  }
  return lines;
}

/// The one JSON text, or the chosen one of a text that has one a line.
Result<std::string_view> choose_run(std::string_view text, const std::string& source, int64_t run) {
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.size() < 2 || !lines[1].starts_with('{')) return text;
  const auto n_runs = static_cast<int64_t>(lines.size());
  if (run >= 1 && run <= n_runs) return lines[static_cast<size_t>(run - 1)];
  return fail(Code::kInvalidArgument, "{}: has {} runs, wanted --run from 1 to {}, found {}", source, n_runs, n_runs,
              run);
}

}  // namespace

TokenMix BenchFigures::tokens() const {
  const double cached = cached_tokens.value_or(0);
  return {input_tokens - cached, cached, output_tokens};
}

Result<BenchFigures> parse_bench_figures(std::string_view text, const std::string& source, int64_t run) {
  DB_ASSIGN(const std::string_view chosen, choose_run(text, source, run));
  JsonLimits limits;
  limits.max_bytes = kMaxFileBytes;
  DB_ASSIGN(const Json json, parse_json(chosen, source, limits));
  if (is_load_report(json)) return read_load_report(json, source, run);
  return read_flat(json, source);
}

Result<BenchFigures> read_bench_figures(const std::string& path, int64_t run) {
  DB_ASSIGN(const std::string text, read_text_file(path, kMaxFileBytes));
  return parse_bench_figures(text, path, run);
}

Status state_cached_share(BenchFigures& figures, double share) {
  if (!(share >= 0 && share < 1)) {
    return fail(Code::kInvalidArgument, "--cache-hit: wanted a share from 0 to below 1, found {}", share);
  }
  if (figures.cached_tokens) {
    return fail(Code::kInvalidArgument, "--cache-hit: {} itself says {:.3f}; leave the option out", figures.name,
                figures.cached_share());
  }
  figures.cached_tokens = share * figures.input_tokens;
  return {};
}

Status state_busy(BenchFigures& figures, const PhaseSeconds& busy) {
  if (!(busy.total() > 0 && busy.total() <= figures.duration_s * (1 + kRateTolerance))) {
    return fail(Code::kInvalidArgument, "--busy-seconds: wanted above 0 and at most the run's {:.1f} s, found {:.1f}",
                figures.duration_s, busy.total());
  }
  figures.busy = busy;
  return {};
}

}  // namespace drawbridge
