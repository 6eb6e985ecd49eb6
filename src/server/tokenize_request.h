// The bodies of POST /tokenize and /detokenize, in vLLM's shapes.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/fields.h"

namespace drawbridge {

struct TokenizeRequest {
  std::string model;
  std::string text;  // the prompt, or the rendered chat
  bool return_token_strings = false;
};

struct DetokenizeRequest {
  std::string model;
  std::vector<int32_t> tokens;
};

Result<TokenizeRequest> parse_tokenize_request(const Json& body, const ModelCard& card);
Result<DetokenizeRequest> parse_detokenize_request(const Json& body);

}  // namespace drawbridge
