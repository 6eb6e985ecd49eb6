// Text to token ids and back, equal to HF tokenizers for byte-level BPE files (GLM): added tokens first, then the Split
// regex, then merges. Adds nothing at the front or the end. Bytes that are not UTF-8 count as U+FFFD.
// Threads: a loaded Tokenizer is constant; any number of threads may use it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pre_tokenizer.h"

namespace drawbridge {

struct EncodeOptions {
  /// When false, "<|user|>" and the like in the text are encoded as plain text, never as control ids.
  bool parse_special = true;
};

class Tokenizer {
 public:
  static Result<Tokenizer> load(const std::string& path);
  static Result<Tokenizer> parse(std::string_view json_text, const std::string& source);

  /// Fails only on a text too long, or one that drives the file's regex past its match limit.
  Result<std::vector<int32_t>> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// Valid UTF-8; ids without a token add nothing.
  std::string decode(std::span<const int32_t> ids, bool skip_special) const;

  /// The raw bytes of a token; empty for an id without one.
  std::string_view token_bytes(int32_t id) const;

  /// Id of the added token with this text, or else of the token with exactly these bytes.
  std::optional<int32_t> id_of(std::string_view token) const;

  /// One more than the largest id in the file; a model's vocabulary may be padded beyond it.
  int32_t vocab_size() const { return static_cast<int32_t>(token_bytes_.size()); }
  bool is_special(int32_t id) const;

 private:
  Tokenizer(std::vector<std::string> token_bytes, AddedTokens added, PreTokenizer pre_tokenizer, BpeModel model);

  std::vector<std::string> token_bytes_;
  AddedTokens added_;
  PreTokenizer pre_tokenizer_;
  BpeModel model_;
  std::vector<bool> special_;  // [vocab_size]
};

}  // namespace drawbridge
