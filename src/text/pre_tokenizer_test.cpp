// Pieces of GLM's regex, with the letters, numbers and spaces that Oniguruma (Unicode 16) and PCRE2 class differently.
#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

std::vector<std::string> split(const std::string& text, const std::vector<std::string>& patterns) {
  const auto pre_tokenizer = PreTokenizer::compile(patterns, "test");
  EXPECT_TRUE(pre_tokenizer.ok()) << pre_tokenizer.status().message();
  std::vector<std::string_view> pieces;
  EXPECT_TRUE(pre_tokenizer->split(text, pieces).ok());
  return {pieces.begin(), pieces.end()};
}

const std::vector<std::string> kGlm = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
using Pieces = std::vector<std::string>;

TEST(PreTokenizer, CutsAsGlmDoes) {
  EXPECT_EQ(split("I'Ll pay 12345  now!\n\n x", kGlm),
            (Pieces{"I", "'Ll", " pay", " ", "123", "45", " ", " now", "!\n\n", " x"}));
  EXPECT_EQ(split("", kGlm), Pieces());
  EXPECT_EQ(split("a'\u017f", kGlm), (Pieces{"a", "'\u017f"}));  // long s folds to s
}

TEST(PreTokenizer, KnowsUnicode16LettersAndNumbers) {
  for (const char* letter : {"\u1c89", "\ua7dc", "\U00031350", "\U0001e5f0"}) {
    EXPECT_EQ(split("a" + std::string(letter) + "b", kGlm).size(), 1u) << letter;
  }
  EXPECT_EQ(split("\U00010d40\U00010d41\U00010d42\U00010d43", kGlm).size(), 2u);
}

TEST(PreTokenizer, CountsWhiteSpaceAsUnicodeDoes) {
  const Pieces spaces = {R"(\s+)"};
  for (const char* space : {"\v", "\u0085", "\u00a0", "\u3000", "\u2028"}) {
    EXPECT_EQ(split("a" + std::string(space) + "b", spaces).size(), 3u);
  }
  for (const char* other : {"\u180e", "\u200b", "\x1c"}) {
    EXPECT_EQ(split("a" + std::string(other) + "b", spaces).size(), 1u);
  }
}

TEST(PreTokenizer, AppliesPatternsInTurnAndKeepsGaps) {
  EXPECT_EQ(split("ab12,cd", {R"(\p{N})", R"(,)"}), (Pieces{"ab", "1", "2", ",", "cd"}));
  EXPECT_EQ(split("abc", {R"(\p{N}*)"}), (Pieces{"a", "b", "c"}));
}

}  // namespace
}  // namespace drawbridge
