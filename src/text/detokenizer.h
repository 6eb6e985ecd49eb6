// Token ids to text one at a time, never emitting part of a character. All pieces together equal Tokenizer::decode.
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace drawbridge {

class Detokenizer {
 public:
  /// `tokenizer` must outlive this.
  explicit Detokenizer(const Tokenizer& tokenizer, bool skip_special = true)
      : tokenizer_(&tokenizer), skip_special_(skip_special) {}

  /// The text that is complete after this id; often empty inside a multi-byte character.
  std::string push(int32_t id);

  /// What is left: U+FFFD for a character that never became whole.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;  // at most 3 bytes between calls
};

}  // namespace drawbridge
