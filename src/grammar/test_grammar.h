// For tests of this folder: a real vocabulary, and whether a grammar admits a text.
#pragma once

#include <string>

#include "grammar/compile.h"
#include "text/test_files.h"

namespace drawbridge {

inline const SharedVocabulary& glm46_vocabulary() {
  static const SharedVocabulary kVocabulary = [] {
    auto made = Vocabulary::create(glm46_tokenizer(), {*glm46_tokenizer().id_of("<|endoftext|>")});
    EXPECT_TRUE(made.ok()) << made.status().message();
    return *made;
  }();
  return kVocabulary;
}

/// Whether the masks admit `text`, token by token, and an end after it.
inline bool admits(const TokenGrammar& grammar, const std::string& text) {
  const auto constraint = grammar.start();
  const auto tokens = glm46_tokenizer().encode(text, {.parse_special = false});
  for (const int32_t token : *tokens) {
    const auto mask = constraint->allowed();
    EXPECT_TRUE(mask.ok());
    const bool in_mask = is_allowed(*mask, token);
    EXPECT_EQ(constraint->accept(token).ok(), in_mask) << text;
    if (!in_mask) return false;
  }
  const auto mask = constraint->allowed();
  return mask.ok() && is_allowed(*mask, glm46_vocabulary()->end_tokens()[0]);
}

}  // namespace drawbridge
