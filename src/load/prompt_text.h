// PromptText: text of about so many tokens out of common English words, so that every model can read it and no part of
// it is in a cache by accident.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drawbridge {

using CountTokens = std::function<Result<int64_t>(const std::string& text)>;

/// What words cost in the server's tokens, and how that was found out.
struct TokenCosts {
  std::vector<double> per_word;  // as prompt_words() has them, with the blank before each
  double per_request = 0;        // what the server adds to a prompt of one message: template, special tokens
  double per_turn = 0;           // and for each answer and question before it
  CountTokens count;             // of any text; empty where there is no tokenizer to ask
  std::string counted_by;        // as LoadSetup::prompts_counted_by
};

/// Common words that most vocabularies hold whole.
std::span<const std::string_view> prompt_words();

/// Tokens of any text: counted where that is possible, else by its length and what the words cost.
Result<int64_t> count_tokens(const TokenCosts& costs, const std::string& text);

class PromptText {
 public:
  PromptText(TokenCosts costs, uint64_t seed) : costs_(std::move(costs)), seed_(seed) {}

  /// Words worth `n_tokens`, or as near as words come. The same `stream` gives the same words: a shorter text is the
  /// beginning of a longer one, but for its last word.
  std::string draw(uint64_t stream, int64_t n_tokens) const;

  const TokenCosts& costs() const { return costs_; }

 private:
  const TokenCosts costs_;
  const uint64_t seed_;
};

}  // namespace drawbridge
