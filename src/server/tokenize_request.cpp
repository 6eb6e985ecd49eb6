#include "server/tokenize_request.h"

#include "server/chat_request.h"
#include "server/unsupported_fields.h"

namespace drawbridge {

Result<TokenizeRequest> parse_tokenize_request(const Json& body, const ModelCard& card) {
  if (!body.is_object()) return wrong_field("body", "a JSON object", body);
  Fields fields(body);
  TokenizeRequest request;
  DB_TRY(fields.read("model", request.model));
  DB_TRY(fields.read("return_token_strs", request.return_token_strings));
  if (!body.contains("messages")) {
    if (!body.contains("prompt")) return wrong_field("prompt", "a string, or messages", Json());
    DB_TRY(fields.read("prompt", request.text));
    return request;
  }
  Json messages;
  ChatOptions options;
  DB_TRY(fields.read("add_generation_prompt", options.add_generation_prompt));
  DB_TRY(read_conversation(fields, card, messages, options));
  DB_ASSIGN(request.text, render_glm_chat(messages, options));
  return request;
}

Result<DetokenizeRequest> parse_detokenize_request(const Json& body) {
  if (!body.is_object()) return wrong_field("body", "a JSON object", body);
  Fields fields(body);
  DetokenizeRequest request;
  DB_TRY(fields.read("model", request.model));
  if (!body.contains("tokens")) return wrong_field("tokens", "an array of token ids", Json());
  DB_TRY(fields.read("tokens", request.tokens, std::numeric_limits<size_t>::max()));
  return request;
}

}  // namespace drawbridge
