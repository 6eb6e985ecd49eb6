// Reads tokenizer.json (HF tokenizers) into plain data. Only what GLM's byte-level BPE needs is understood; every other
// normalizer, pre-tokenizer, model or switch is refused by name, so that no text is ever silently encoded otherwise.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/bpe.h"

namespace drawbridge {

struct TokenizerSpec {
  std::vector<std::string> token_bytes;  // [largest id + 1], empty where an id is unused
  TokenMap ids;                          // bytes → id of the model's tokens that the byte alphabet can write
  std::vector<BpeMerge> merges;          // in rank order
  std::vector<AddedToken> added;
  std::vector<std::string> split_patterns;
  bool ignore_merges = false;
};

Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, const std::string& source);

}  // namespace drawbridge
