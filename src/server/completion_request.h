// The body of POST /v1/completions.
#pragma once

#include "server/generation_fields.h"

namespace drawbridge {

inline constexpr size_t kMaxPrompts = 64;
inline constexpr int64_t kDefaultCompletionTokens = 16;  // OpenAI's

struct CompletionRequest {
  struct Prompt {
    bool is_text = true;
    std::string text;
    std::vector<int32_t> tokens;  // used instead when not is_text
  };

  GenerationFields generation;
  std::vector<Prompt> prompts;
  bool echo = false;  // the prompt's text stands before the answer's
};

Result<CompletionRequest> parse_completion_request(const Json& body, const ModelCard& card);

}  // namespace drawbridge
