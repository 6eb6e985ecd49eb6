// Log-probabilities on the wire: one entry a token for chats, four parallel arrays for completions.
#pragma once

#include <string>

#include "base/json.h"
#include "engine/engine.h"
#include "text/detokenizer.h"

namespace drawbridge {

/// The token as text; "bytes:\xe4\xbd" where it is part of a character, as OpenAI writes it.
std::string token_text(const Tokenizer& tokenizer, int32_t token);

/// An entry of a chat's logprobs.content. Wants output.chosen.
Json chat_logprob(const Tokenizer& tokenizer, const Output& output);

/// The logprobs object of completions, filled token by token.
class CompletionLogprobs {
 public:
  explicit CompletionLogprobs(const Tokenizer& tokenizer);

  void push(const Output& output);
  /// What was pushed since the last take; null for nothing.
  Json take();

 private:
  const Tokenizer* tokenizer_;
  Detokenizer detokenizer_;
  int64_t n_characters_ = 0;  // of the text before the next token
  Json object_;
};

}  // namespace drawbridge
