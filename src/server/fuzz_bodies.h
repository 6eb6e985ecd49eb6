// What the fuzzer of this folder does with one input; the tests run the same on the stored corpus.
#pragma once

#include <string_view>

#include "server/api_error.h"
#include "server/chat_request.h"
#include "server/completion_request.h"
#include "server/prepare.h"
#include "server/tokenize_request.h"

namespace drawbridge {

inline void check_refusal(const Status& status) {
  DB_CHECK(status.code() != Code::kInternal && !status.message().empty());
  DB_CHECK(parse_json(error_response(api_error(status)).body, "error").ok());
}

inline void check_generation(const GenerationFields& generation) {
  DB_CHECK(generation.n >= 1 && generation.n <= kMaxChoices && generation.max_tokens >= 0);
  DB_CHECK(generation.request.stop.size() <= kMaxStops);
  DB_CHECK(generation.request.sampling.logit_bias.size() <= kMaxLogitBiases);
  for (const char c : ignored_fields_header(generation.ignored)) DB_CHECK(c >= ' ' && c <= '~');
}

/// The first byte chooses the route, the rest is its body: a request within its caps, or an error that can be sent.
inline void fuzz_api_request(std::string_view input) {
  if (input.empty()) return;
  const auto body = parse_json(input.substr(1), "body");
  if (!body.ok()) return check_refusal(body.status());
  if (input[0] == 'c') {
    const auto request = parse_chat_request(*body, {});
    if (!request.ok()) return check_refusal(request.status());
    check_generation(request->generation);
    const auto text = render_glm_chat(request->messages, request->options);
    if (!text.ok()) check_refusal(text.status());
  } else if (input[0] == 't') {
    const auto request = parse_tokenize_request(*body, {});
    if (!request.ok()) check_refusal(request.status());
  } else if (input[0] == 'd') {
    const auto request = parse_detokenize_request(*body);
    if (!request.ok()) check_refusal(request.status());
  } else {
    const auto request = parse_completion_request(*body, {});
    if (!request.ok()) return check_refusal(request.status());
    check_generation(request->generation);
    DB_CHECK(!request->prompts.empty() && request->prompts.size() <= kMaxPrompts);
  }
}

}  // namespace drawbridge
