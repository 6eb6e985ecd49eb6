#include "server/prepare.h"

#include <algorithm>
#include <ctime>

#include "server/chat_choice.h"
#include "server/completion_choice.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxIgnoredShown = 32;
constexpr size_t kMaxNameShown = 64;

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameShown && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
}

AnswerForm make_form(const GenerationFields& generation) {
  AnswerForm form;
  form.created = std::time(nullptr);
  form.stream = generation.stream;
  form.include_usage = generation.stream && generation.include_usage;
  if (!generation.ignored.empty()) {
    form.headers.emplace_back("x-drawbridge-ignored-fields", ignored_fields_header(generation.ignored));
  }
  return form;
}

/// Without a limit of its own a chat may use what the prompt leaves of the context; a prompt that leaves nothing asks
/// for one token, which the engine refuses in its own words.
int64_t tokens_left(const ModelCard& card, size_t n_prompt) {
  return std::max<int64_t>(1, card.max_context - static_cast<int64_t>(n_prompt));
}

}  // namespace

std::string ignored_fields_header(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ", ";
    if (i == kMaxIgnoredShown) return out + "...";
    out += is_plain_name(names[i]) ? names[i] : "?";
  }
  return out;
}

Result<PreparedAnswer> prepare_chat(const ChatRequest& request, const Engine& engine, const std::string& id) {
  DB_ASSIGN(const std::string text, render_glm_chat(request.messages, request.options));
  GenerateRequest base = request.generation.request;
  DB_ASSIGN(base.prompt, engine.tokenizer().encode(text));
  base.max_tokens = request.generation.max_tokens;
  if (base.max_tokens == 0) base.max_tokens = tokens_left(engine.card(), base.prompt.size());
  OutputParserOptions parsing;
  parsing.starts_in_reasoning = request.options.enable_thinking;
  parsing.parse_tool_calls = !request.options.tools.empty();
  parsing.tools = request.options.tools;

  PreparedAnswer answer{make_form(request.generation), {}};
  answer.form.id = "chatcmpl-" + id;
  answer.form.object = "chat.completion";
  answer.form.chunk_object = "chat.completion.chunk";
  for (int64_t i = 0; i < request.generation.n; ++i) {
    auto choice = std::make_unique<ChatChoice>(engine.tokenizer(), static_cast<int>(i), id, parsing);
    answer.parts.push_back({request_of_choice(base, i), std::move(choice), i == 0});
  }
  return answer;
}

Result<PreparedAnswer> prepare_completion(const CompletionRequest& request, const Engine& engine,
                                          const std::string& id) {
  PreparedAnswer answer{make_form(request.generation), {}};
  answer.form.id = "cmpl-" + id;
  answer.form.object = answer.form.chunk_object = "text_completion";
  GenerateRequest base = request.generation.request;
  base.max_tokens = request.generation.max_tokens;
  const Tokenizer& tokenizer = engine.tokenizer();
  for (const CompletionRequest::Prompt& prompt : request.prompts) {
    base.prompt = prompt.tokens;
    if (prompt.is_text) {
      DB_ASSIGN(base.prompt, tokenizer.encode(prompt.text));
    }
    std::string echo;
    if (request.echo) echo = prompt.is_text ? prompt.text : tokenizer.decode(prompt.tokens, false);
    for (int64_t i = 0; i < request.generation.n; ++i) {
      const int index = static_cast<int>(answer.parts.size());
      auto choice = std::make_unique<CompletionChoice>(tokenizer, index, echo);
      answer.parts.push_back({request_of_choice(base, i), std::move(choice), i == 0});
    }
  }
  return answer;
}

}  // namespace drawbridge
