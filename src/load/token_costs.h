// How TokenCosts are found out: by the server's /tokenize, by a tokenizer on this machine, or by what the server
// reports for a few prompts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "load/prompt_text.h"
#include "load/server_probe.h"

namespace drawbridge {

struct TokenCostOptions {
  std::string model;
  bool is_chat = true;
  std::string tokenizer;    // directory of a tokenizer.json; empty: ask the server
  bool with_turns = false;  // conversations will hold answers
};

/// Sends one to four requests for one token each; errors are the server's, or of the tokenizer's file.
Result<TokenCosts> measure_token_costs(const ServerAddress& server, const TokenCostOptions& options);

/// What each word costs, by a counter of whole texts: two counts where every word is one token, else one a word more.
Result<std::vector<double>> count_words(const CountTokens& count);

}  // namespace drawbridge
