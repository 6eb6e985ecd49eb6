#include "load/trace.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <unordered_set>
#include <utility>

#include "base/json_members.h"
#include "base/printable.h"
#include "load/text_lines.h"

namespace drawbridge {
namespace {

constexpr int64_t kMaxTokens = 100'000'000;  // of a prompt or an answer
constexpr JsonLimits kLineLimits = {.max_bytes = 16u << 20, .max_depth = 8};

Status check_tokens(const std::string& source, const char* what, int64_t n, int64_t least) {
  if (n >= least && n <= kMaxTokens) return Status();
  return fail(Code::kCorrupt, "{}: {}: wanted {} to {} tokens, found {}", source, what, least, kMaxTokens, n);
}

Result<TraceRequest> parse_mooncake_line(std::string_view line, const std::string& source) {
  DB_ASSIGN(const Json json, parse_json(line, source, kLineLimits));
  TraceRequest request;
  DB_ASSIGN(const double at_ms, number_member(json, "timestamp", source));
  request.at_s = at_ms / 1000;
  DB_ASSIGN(request.n_prompt, integer_member(json, "input_length", source));
  DB_ASSIGN(request.n_output, integer_member(json, "output_length", source));
  DB_TRY(check_tokens(source, "input_length", request.n_prompt, 1));
  DB_TRY(check_tokens(source, "output_length", request.n_output, 0));
  DB_ASSIGN(const Json* ids, array_member(json, "hash_ids", source));
  const auto n_wanted = static_cast<size_t>((request.n_prompt + kMooncakeBlock - 1) / kMooncakeBlock);
  if (ids->size() != n_wanted) {
    return fail(Code::kCorrupt, "{}: hash_ids: wanted {} for {} tokens, found {}", source, n_wanted, request.n_prompt,
                ids->size());
  }
  for (const Json& id : *ids) {
    if (!id.is_number_integer()) {
      return fail(Code::kCorrupt, "{}: hash_ids: wanted integers, found {}", source, dump_json(id).substr(0, 80));
    }
    request.blocks.push_back(id.get<int64_t>());
  }
  return request;
}

/// "2023-11-16 18:17:03.9799600" in seconds; nothing for anything else.
std::optional<double> timestamp_seconds(const std::string& text) {
  std::tm time{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &time);
  if (rest == nullptr) return std::nullopt;
  const char* end = text.data() + text.size();
  double fraction = 0;
  if (rest != end) {
    const auto [last, error] = std::from_chars(rest, end, fraction);
    if (*rest != '.' || error != std::errc() || last != end || fraction >= 1) return std::nullopt;
  }
  return static_cast<double>(::timegm(&time)) + fraction;
}

/// Nothing for anything but a whole number.
std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || last != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<TraceRequest> parse_azure_line(std::string_view line, const std::string& source) {
  const size_t first = std::min(line.find(','), line.size());
  const size_t second = std::min(line.find(',', first + 1), line.size());
  const auto at_s = timestamp_seconds(std::string(line.substr(0, first)));
  const auto n_prompt =
      whole_number(line.substr(std::min(first + 1, line.size()), second - std::min(first + 1, second)));
  const auto n_output = whole_number(line.substr(std::min(second + 1, line.size())));
  if (!at_s || !n_prompt || !n_output) {
    return fail(Code::kCorrupt, "{}: wanted TIMESTAMP,ContextTokens,GeneratedTokens, found {}", source,
                printable(line.substr(0, 80)));
  }
  DB_TRY(check_tokens(source, "ContextTokens", *n_prompt, 1));
  DB_TRY(check_tokens(source, "GeneratedTokens", *n_output, 0));
  return TraceRequest{*at_s, *n_prompt, *n_output, {}};
}

/// Times become those since the first; a trace whose times go back is refused.
class TraceBuilder {
 public:
  Status add(TraceRequest request, const std::string& source) {
    if (trace_.empty()) start_s_ = request.at_s;
    request.at_s -= start_s_;
    const double last_s = trace_.empty() ? 0 : trace_.back().at_s;
    if (!(request.at_s >= last_s)) {
      return fail(Code::kCorrupt, "{}: wanted a time that is not before the last line's, found one {} s before it",
                  source, last_s - request.at_s);
    }
    trace_.push_back(std::move(request));
    return Status();
  }
  Result<std::vector<TraceRequest>> finish(const std::string& path) {
    if (trace_.empty()) return fail(Code::kCorrupt, "{}: wanted requests, found none", path);
    return std::move(trace_);
  }
  size_t size() const { return trace_.size(); }

 private:
  std::vector<TraceRequest> trace_;
  double start_s_ = 0;
};

class TraceWorkload : public Workload {
 public:
  TraceWorkload(const TraceWorkloadOptions& options, std::vector<TraceRequest> trace, PromptText text)
      : o_(options), trace_(std::move(trace)), text_(std::move(text)) {}

  Result<std::optional<PlannedRequest>> next(int64_t lane) override;
  std::string description() const override;
  std::string cache_design() const override {
    return trace_.front().blocks.empty() ? "" : "blocks of equal hash ids hold equal text";
  }

 private:
  std::string prompt_of(const TraceRequest& request, PlannedRequest& plan);
  int64_t scaled(int64_t n_tokens) const { return std::max<int64_t>(1, n_tokens * o_.block_tokens / kMooncakeBlock); }

  const TraceWorkloadOptions o_;
  const std::vector<TraceRequest> trace_;
  const PromptText text_;
  std::unordered_set<int64_t> sent_;  // ids of blocks
  size_t n_sent_ = 0;
};

std::string TraceWorkload::description() const {
  std::string text = fmt::format("trace {}, {} requests", o_.name, trace_.size());
  if (o_.block_tokens != kMooncakeBlock) {
    text += fmt::format(", prompts scaled by {}/{}", o_.block_tokens, kMooncakeBlock);
  }
  if (o_.max_output > 0) text += fmt::format(", answers cut to {}", o_.max_output);
  return text;
}

/// A block is a hit as long as all before it were sent too: a prefix cache ends at the first miss.
std::string TraceWorkload::prompt_of(const TraceRequest& request, PlannedRequest& plan) {
  const int64_t n_added = std::llround(text_.costs().per_request);
  if (request.blocks.empty()) {
    return text_.draw(n_sent_, std::max<int64_t>(1, plan.n_prompt - n_added));
  }
  std::string text;
  int64_t n_left = plan.n_prompt;
  bool is_prefix = true;
  for (const int64_t id : request.blocks) {
    const int64_t n_tokens = std::min(o_.block_tokens, n_left);
    n_left -= n_tokens;
    is_prefix = is_prefix && sent_.count(id) > 0;
    if (is_prefix) plan.n_cached += n_tokens;
    // What the server adds is part of the first block.
    const int64_t n_words = n_tokens - (text.empty() ? n_added : 0);
    if (n_words > 0) text += (text.empty() ? "" : " ") + text_.draw(static_cast<uint64_t>(id), n_words);
  }
  sent_.insert(request.blocks.begin(), request.blocks.end());
  return text.empty() ? text_.draw(0, 1) : text;
}

Result<std::optional<PlannedRequest>> TraceWorkload::next(int64_t) {
  if (n_sent_ == trace_.size()) return std::optional<PlannedRequest>();
  const TraceRequest& request = trace_[n_sent_++];
  PlannedRequest plan;
  plan.due_s = request.at_s * o_.time_scale;
  plan.n_prompt = scaled(request.n_prompt);
  plan.n_output = std::max<int64_t>(1, request.n_output);
  if (o_.max_output > 0) plan.n_output = std::min(plan.n_output, o_.max_output);
  std::string text = prompt_of(request, plan);
  plan.messages.push_back({"user", std::move(text)});
  return std::optional(std::move(plan));
}

}  // namespace

Result<std::vector<TraceRequest>> parse_mooncake_trace(std::string_view text, const std::string& path,
                                                       size_t max_requests) {
  TraceBuilder trace;
  TextLines lines(text, path);
  while (trace.size() < max_requests && lines.next()) {
    DB_ASSIGN(TraceRequest request, parse_mooncake_line(lines.line(), lines.source()));
    DB_TRY(trace.add(std::move(request), lines.source()));
  }
  return trace.finish(path);
}

Result<std::vector<TraceRequest>> parse_azure_trace(std::string_view text, const std::string& path,
                                                    size_t max_requests) {
  TraceBuilder trace;
  TextLines lines(text, path);
  constexpr std::string_view kHeading = "TIMESTAMP,ContextTokens,GeneratedTokens";
  if (!lines.next() || lines.line() != kHeading) {
    return fail(Code::kCorrupt, "{}: wanted {}, found {}", lines.source(), kHeading,
                printable(lines.line().substr(0, 80)));
  }
  while (trace.size() < max_requests && lines.next()) {
    DB_ASSIGN(TraceRequest request, parse_azure_line(lines.line(), lines.source()));
    DB_TRY(trace.add(std::move(request), lines.source()));
  }
  return trace.finish(path);
}

std::unique_ptr<Workload> make_trace_workload(const TraceWorkloadOptions& options, std::vector<TraceRequest> trace,
                                              PromptText text) {
  return std::make_unique<TraceWorkload>(options, std::move(trace), std::move(text));
}

}  // namespace drawbridge
