#include "server/completion_request.h"

#include "server/unsupported_fields.h"

namespace drawbridge {
namespace {

using Prompt = CompletionRequest::Prompt;

Result<Prompt> read_prompt(const Json& value, const std::string& field) {
  Prompt prompt;
  prompt.is_text = value.is_string();
  if (prompt.is_text) {
    prompt.text = value.get<std::string>();
    return prompt;
  }
  if (!value.is_array()) return wrong_field(field, "a string or an array of token ids", value);
  for (size_t i = 0; i < value.size(); ++i) {
    DB_ASSIGN(const int64_t token,
              read_integer(value[i], fmt::format("{}[{}]", field, i), 0, std::numeric_limits<int32_t>::max()));
    prompt.tokens.push_back(static_cast<int32_t>(token));
  }
  return prompt;
}

/// A string, an array of token ids, or an array of either.
Status read_prompts(Fields& fields, std::vector<Prompt>& prompts) {
  const Json& value = fields.take("prompt");
  const bool several = value.is_array() && !value.empty() && !value[0].is_number();
  if (!several) {
    DB_ASSIGN(Prompt prompt, read_prompt(value, "prompt"));
    prompts.push_back(std::move(prompt));
    return {};
  }
  if (value.size() > kMaxPrompts) {
    return fail(Code::kInvalidArgument, "prompt: wanted at most {} prompts, found {}", kMaxPrompts, value.size());
  }
  for (size_t i = 0; i < value.size(); ++i) {
    DB_ASSIGN(Prompt prompt, read_prompt(value[i], fmt::format("prompt[{}]", i)));
    prompts.push_back(std::move(prompt));
  }
  return {};
}

Status read_completion_logprobs(Fields& fields, SamplingOptions& sampling) {
  const Json& value = fields.take("logprobs");
  if (value.is_null() || value == false) return {};  // false: what chat clients send
  DB_ASSIGN(const int64_t n, read_integer(value, "logprobs", 0, kMaxAlternatives));
  sampling.n_logprobs = static_cast<int32_t>(n);
  return {};
}

}  // namespace

Result<CompletionRequest> parse_completion_request(const Json& body, const ModelCard& card) {
  if (!body.is_object()) return wrong_field("body", "a JSON object", body);
  Fields fields(body);
  CompletionRequest request;
  GenerationFields& generation = request.generation;
  DB_ASSIGN(generation, read_generation_fields(fields, card));
  DB_TRY(read_prompts(fields, request.prompts));
  DB_TRY(read_completion_logprobs(fields, generation.request.sampling));
  DB_TRY(fields.read("echo", request.echo));
  if (request.echo && generation.request.sampling.n_logprobs) {
    return fail(Code::kUnsupported, "echo: wanted false beside logprobs (the prompt's are not computed), found true");
  }
  if (generation.n * static_cast<int64_t>(request.prompts.size()) > static_cast<int64_t>(kMaxPrompts)) {
    return fail(Code::kInvalidArgument, "n: wanted at most {} choices over all prompts, found {} for each of {}",
                kMaxPrompts, generation.n, request.prompts.size());
  }
  if (generation.max_tokens == 0) generation.max_tokens = kDefaultCompletionTokens;
  DB_TRY(refuse_unsupported_fields(fields));
  note_unread(fields, request.generation);
  return request;
}

}  // namespace drawbridge
