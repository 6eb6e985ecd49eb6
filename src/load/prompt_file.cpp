#include "load/prompt_file.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json_members.h"
#include "base/json_path.h"
#include "load/text_lines.h"

namespace drawbridge {
namespace {

constexpr int64_t kDefaultOutput = 128;
constexpr int64_t kMaxOutput = 1 << 24;
constexpr JsonLimits kLineLimits = {.max_bytes = 64u << 20, .max_depth = 16};
// ShareGPT's usual file is 640 MB with 94,145 conversations.
constexpr JsonLimits kShareGptLimits = {.max_bytes = size_t{2} << 30, .max_depth = 16, .max_keys = 64u << 20};

Result<LoadMessage> parse_message(const Json& json, const std::string& source) {
  LoadMessage message;
  DB_ASSIGN(message.role, string_member(json, "role", source));
  DB_ASSIGN(message.text, string_member(json, "content", source));
  return message;
}

Result<FilePrompt> parse_json_prompt(std::string_view line, const std::string& source) {
  DB_ASSIGN(const Json json, parse_json(line, source, kLineLimits));
  DB_TRY(check_object(json, source));
  FilePrompt prompt;
  if (json.contains("messages")) {
    DB_ASSIGN(const Json* messages, array_member(json, "messages", source));
    for (const Json& item : *messages) {
      DB_ASSIGN(LoadMessage message, parse_message(item, source));
      prompt.messages.push_back(std::move(message));
    }
  } else {
    DB_ASSIGN(std::string text, string_member(json, "prompt", source));
    prompt.messages.push_back({"user", std::move(text)});
  }
  if (prompt.messages.empty()) return fail(Code::kCorrupt, "{}: messages: wanted one or more, found none", source);
  if (json.contains("output_tokens")) {
    DB_ASSIGN(prompt.n_output, integer_member(json, "output_tokens", source));
    if (prompt.n_output < 1 || prompt.n_output > kMaxOutput) {
      return fail(Code::kCorrupt, "{}: output_tokens: wanted 1 to {}, found {}", source, kMaxOutput, prompt.n_output);
    }
  }
  return prompt;
}

/// Empty unless there is such a turn, of one of these speakers.
std::string said_by(const Json& turns, size_t turn, std::initializer_list<std::string_view> speakers) {
  if (turn >= turns.size()) return "";
  const std::string from = text_at(turns[turn], {"from"});
  return std::find(speakers.begin(), speakers.end(), from) == speakers.end() ? "" : text_at(turns[turn], {"value"});
}

class PromptWorkload : public Workload {
 public:
  PromptWorkload(std::string description, std::vector<PlannedRequest> requests)
      : description_(std::move(description)), requests_(std::move(requests)) {}

  Result<std::optional<PlannedRequest>> next(int64_t) override {
    PlannedRequest request = requests_[n_sent_ % requests_.size()];
    if (n_sent_++ >= requests_.size()) request.n_cached = request.n_prompt;
    return std::optional(std::move(request));
  }
  std::string description() const override { return description_; }

 private:
  const std::string description_;
  const std::vector<PlannedRequest> requests_;
  size_t n_sent_ = 0;
};

Result<PlannedRequest> plan_prompt(const PromptWorkloadOptions& o, FilePrompt prompt, const TokenCosts& costs) {
  PlannedRequest plan;
  double n_prompt = costs.per_request + costs.per_turn * static_cast<double>((prompt.messages.size() - 1) / 2);
  for (const LoadMessage& message : prompt.messages) {
    DB_ASSIGN(const int64_t n_tokens, count_tokens(costs, message.text));
    n_prompt += static_cast<double>(n_tokens);
  }
  plan.n_prompt = std::llround(n_prompt);
  plan.n_output = o.n_output > 0 ? o.n_output : prompt.n_output;
  if (plan.n_output == 0 && !prompt.answer.empty()) {
    DB_ASSIGN(plan.n_output, count_tokens(costs, prompt.answer));
  }
  if (plan.n_output == 0) plan.n_output = kDefaultOutput;
  plan.messages = std::move(prompt.messages);
  return plan;
}

}  // namespace

Result<std::vector<FilePrompt>> parse_prompt_file(std::string_view text, const std::string& path, size_t max_prompts) {
  std::vector<FilePrompt> prompts;
  TextLines lines(text, path);
  bool is_json = false;
  while (prompts.size() < max_prompts && lines.next()) {
    if (prompts.empty()) is_json = lines.line().starts_with('{');
    if (is_json) {
      DB_ASSIGN(FilePrompt prompt, parse_json_prompt(lines.line(), lines.source()));
      prompts.push_back(std::move(prompt));
    } else {
      prompts.push_back({{{"user", std::string(lines.line())}}, 0, ""});
    }
  }
  if (prompts.empty()) return fail(Code::kCorrupt, "{}: wanted a prompt a line, found none", path);
  return prompts;
}

Result<std::vector<FilePrompt>> parse_sharegpt_file(std::string_view text, const std::string& path,
                                                    size_t max_prompts) {
  DB_ASSIGN(const Json list, parse_json(text, path, kShareGptLimits));
  if (!list.is_array()) {
    return fail(Code::kCorrupt, "{}: wanted an array of conversations, found {}", path, dump_json(list).substr(0, 80));
  }
  std::vector<FilePrompt> prompts;
  for (size_t i = 0; i < list.size() && prompts.size() < max_prompts; ++i) {
    DB_ASSIGN(const Json* turns, array_member(list[i], "conversations", fmt::format("{}: [{}]", path, i)));
    std::string question = said_by(*turns, 0, {"human", "user"});
    std::string answer = said_by(*turns, 1, {"gpt", "chatgpt", "bard", "assistant"});
    if (!question.empty() && !answer.empty()) {
      prompts.push_back({{{"user", std::move(question)}}, 0, std::move(answer)});
    }
  }
  if (prompts.empty()) {
    return fail(Code::kCorrupt, "{}: wanted a conversation that starts with a question and an answer, found none",
                path);
  }
  return prompts;
}

Result<std::unique_ptr<Workload>> make_prompt_workload(const PromptWorkloadOptions& o, std::vector<FilePrompt> prompts,
                                                       const TokenCosts& costs) {
  std::vector<PlannedRequest> requests;
  for (FilePrompt& prompt : prompts) {
    DB_ASSIGN(PlannedRequest request, plan_prompt(o, std::move(prompt), costs));
    requests.push_back(std::move(request));
  }
  std::string description = fmt::format("{} prompts of {}", requests.size(), o.name);
  if (o.n_output > 0) description += fmt::format(", {} out", o.n_output);
  return std::unique_ptr<Workload>(new PromptWorkload(std::move(description), std::move(requests)));
}

}  // namespace drawbridge
