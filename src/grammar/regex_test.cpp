#include <gtest/gtest.h>

#include <regex>

#include "base/rng.h"
#include "grammar/compile.h"
#include "text/test_files.h"

namespace drawbridge {
namespace {

const SharedVocabulary& vocabulary() {
  static const SharedVocabulary kVocabulary = [] {
    auto made = Vocabulary::create(glm46_tokenizer(), {*glm46_tokenizer().id_of("<|endoftext|>")});
    EXPECT_TRUE(made.ok()) << made.status().message();
    return *made;
  }();
  return kVocabulary;
}

/// Whether the masks admit `text`, token by token, and an end after it.
bool admits(const TokenGrammar& grammar, const std::string& text) {
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
  return mask.ok() && is_allowed(*mask, vocabulary()->end_tokens()[0]);
}

TEST(CompileRegex, AgreesWithTheStandardLibrary) {
  for (const char* pattern :
       {"[ab]*c", "(a|bc){2,3}", "a?b?c?", "^(ab|c)+$", "[^a]{1,2}", "(a|ab)(c|bcd)?d*", "a.c|\\w\\d"}) {
    const auto grammar = compile_regex(vocabulary(), pattern, "regex");
    ASSERT_TRUE(grammar.ok()) << grammar.status().message();
    const std::regex reference(pattern);
    for (int n = 0; n < 1 << 12; ++n) {
      std::string text;
      for (int rest = n; rest > 1; rest >>= 2) text += "abcd"[rest & 3];
      EXPECT_EQ(admits(**grammar, text), std::regex_match(text, reference)) << pattern << " and " << text;
    }
  }
}

TEST(CompileRegex, RefusesWhatIsNoSetOfTexts) {
  for (const char* pattern : {"(?=a)b", "(a)\\1", "\\bword", "\\p{L}", "(?<!a)b"}) {
    EXPECT_EQ(compile_regex(vocabulary(), pattern, "regex").status().code(), Code::kUnsupported) << pattern;
  }
  for (const char* pattern : {"(a", "a)", "[a", "*a", "a{2,1}", "[b-a]", "\\q"}) {
    EXPECT_EQ(compile_regex(vocabulary(), pattern, "regex").status().code(), Code::kInvalidArgument) << pattern;
  }
  EXPECT_EQ(compile_regex(vocabulary(), "(" + std::string(70, '('), "regex").status().code(), Code::kOutOfRange);
}

TEST(CompileRegex, RollbackGivesTheSameMask) {
  const auto grammar = compile_regex(vocabulary(), "\"[^\"]{3,40}\", (yes|no)", "regex");
  ASSERT_TRUE(grammar.ok()) << grammar.status().message();
  const auto tokens = glm46_tokenizer().encode("\"hello wörld 你好\", yes");
  const auto constraint = (*grammar)->start();
  std::vector<std::vector<uint64_t>> masks;
  for (const int32_t token : *tokens) {
    const auto mask = constraint->allowed();
    ASSERT_TRUE(mask.ok());
    masks.emplace_back(mask->begin(), mask->end());
    ASSERT_TRUE(constraint->accept(token).ok());
  }
  for (size_t i = masks.size(); i-- > 0;) {
    constraint->rollback(1);
    const auto mask = constraint->allowed();
    ASSERT_TRUE(mask.ok());
    EXPECT_TRUE(std::equal(mask->begin(), mask->end(), masks[i].begin()));
  }
}

}  // namespace
}  // namespace drawbridge
