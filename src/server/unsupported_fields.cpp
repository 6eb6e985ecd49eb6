#include "server/unsupported_fields.h"

#include <algorithm>

namespace drawbridge {
namespace {

struct Field {
  const char* name;
  const char* neutral;  // JSON array of the values that ask for nothing; null always does
};

constexpr Field kUnsupported[] = {
    // Constrained output.
    {"response_format", R"([{"type":"text"}])"},
    {"guided_json", "[]"},
    {"guided_regex", "[]"},
    {"guided_choice", "[]"},
    {"guided_grammar", "[]"},
    {"guided_decoding_backend", "[]"},
    {"guided_whitespace_pattern", "[]"},
    {"structured_outputs", "[]"},
    {"structural_tag", "[]"},
    {"regex", "[]"},
    {"ebnf", "[]"},
    {"json_schema", "[]"},
    {"allowed_token_ids", "[]"},
    {"bad_words", "[[]]"},
    {"min_tokens", "[0]"},
    // Other ways to decode.
    {"best_of", "[1]"},
    {"use_beam_search", "[false]"},
    {"length_penalty", "[1]"},
    {"logits_processors", "[]"},
    {"custom_logit_processor", "[]"},
    {"prompt_logprobs", "[]"},
    {"input_logprobs", "[]"},
    {"return_hidden_states", "[false]"},
    {"stop_regex", "[[]]"},
    // Other forms of text.
    {"suffix", R"([""])"},
    {"include_stop_str_in_output", "[false]"},
    {"no_stop_trim", "[false]"},
    {"skip_special_tokens", "[true]"},
    {"spaces_between_special_tokens", "[true]"},
    {"truncate_prompt_tokens", "[]"},
    {"return_token_ids", "[false]"},
    {"return_tokens_as_token_ids", "[false]"},
    // Other prompts.
    {"prompt_embeds", "[]"},
    {"chat_template", "[]"},
    {"documents", "[[]]"},
    {"continue_final_message", "[false]"},
    {"add_generation_prompt", "[true]"},
    {"mm_processor_kwargs", "[]"},
    {"prediction", "[]"},
    {"web_search_options", "[]"},
    // Other outputs.
    {"audio", "[]"},
    {"modalities", R"([["text"]])"},
    {"functions", "[[]]"},
    {"function_call", R"(["none","auto"])"},
    {"parallel_tool_calls", "[true]"},
    {"include_reasoning", "[true]"},
    {"separate_reasoning", "[true]"},
    {"stream_reasoning", "[true]"},
    {"verbosity", R"(["medium"])"},
    // Other services.
    {"store", "[false]"},
    {"lora_path", "[]"},
    {"session_params", "[]"},
    {"kv_transfer_params", "[]"},
    {"cache_salt", "[]"},
    {"priority", "[0]"},
};

/// Never change an answer, so they are accepted whatever they say.
constexpr const char* kWithoutEffect[] = {"user", "metadata",     "safety_identifier", "prompt_cache_key", "request_id",
                                          "rid",  "service_tier", "add_special_tokens" /* GLM's tokenizer adds none */};

}  // namespace

Status refuse_unsupported_fields(Fields& fields) {
  for (const char* name : kWithoutEffect) fields.take(name);
  for (const Field& field : kUnsupported) {
    const Json& value = fields.take(field.name);
    if (value.is_null()) continue;
    const Json neutral = Json::parse(field.neutral);
    if (std::find(neutral.begin(), neutral.end(), value) != neutral.end()) continue;
    const std::string wanted = neutral.empty() ? "it absent" : "it absent or one of " + dump_json(neutral);
    const Status wrong = wrong_field(field.name, wanted, value);
    return fail(Code::kUnsupported, "{}: this server does not support the field", wrong.message());
  }
  return {};
}

}  // namespace drawbridge
