// The tokenizer's keys: what becomes of each kind of token, and what is refused.
#include "convert/gguf_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// All bytes, "he", an unused row, a control token and a user-defined one.
class GgufTokenizerTest : public testing::Test {
 protected:
  GgufTokenizerTest() {
    for (int byte = 0; byte < 256; ++byte) tokens_.push_back(bytes_to_token(std::string(1, static_cast<char>(byte))));
    types_.assign(256, 1);
    add("he", 1);
    add("[PAD257]", 5);
    add("<|user|>", 3);
    add("<think>", 4);
  }

  void add(const std::string& token, int64_t type) {
    tokens_.push_back(token);
    types_.push_back(type);
  }
  Result<std::string> json() const {
    GgufKeys keys("file");
    keys.add("tokenizer.ggml.model", std::string("gpt2"));
    keys.add("tokenizer.ggml.pre", pre_);
    keys.add("tokenizer.ggml.tokens", tokens_);
    keys.add("tokenizer.ggml.token_type", types_);
    keys.add("tokenizer.ggml.merges", merges_);
    return tokenizer_json_from_gguf(keys);
  }
  std::string error() const { return json().status().message(); }

  std::string pre_ = "glm4";
  std::vector<std::string> tokens_;
  std::vector<int64_t> types_;
  std::vector<std::string> merges_ = {"h e"};
};

TEST_F(GgufTokenizerTest, EncodesAsTheKeysSay) {
  const auto text = json();
  ASSERT_TRUE(text.ok()) << text.status().message();
  const auto tokenizer = Tokenizer::parse(*text, "test");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  EXPECT_THAT(*tokenizer->encode("he<|user|><think>"), ElementsAre(256, 258, 259));
  EXPECT_TRUE(tokenizer->is_special(258));
  EXPECT_FALSE(tokenizer->is_special(259));
  EXPECT_EQ(tokenizer->token_bytes(257), "");
}

TEST_F(GgufTokenizerTest, RefusesOtherSplits) {
  pre_ = "llama-bpe";
  EXPECT_EQ(error(), "file: key tokenizer.ggml.pre: wanted 'glm4', found 'llama-bpe'");
}

TEST_F(GgufTokenizerTest, RefusesListsThatDisagree) {
  types_.pop_back();
  EXPECT_THAT(error(), HasSubstr("found 259 and 260"));
}

TEST_F(GgufTokenizerTest, RefusesATokenThatStandsTwice) {
  add("he", 1);
  EXPECT_THAT(error(), HasSubstr("tokens: entry 260: 'he' is empty or stands there twice"));
}

TEST_F(GgufTokenizerTest, RefusesOtherTypes) {
  add("<0x00>", 6);
  EXPECT_THAT(error(), HasSubstr("token_type: entry 260 ('<0x00>'): wanted 1 (normal)"));
}

TEST_F(GgufTokenizerTest, RefusesABadMerge) {
  merges_.push_back("he");
  EXPECT_THAT(error(), HasSubstr("merges: entry 1: wanted two tokens, found 'he'"));
  merges_.back() = "he x";
  EXPECT_THAT(error(), HasSubstr("a pair of tokens"));
}

TEST(GgufEos, CollectsTheThreeKeys) {
  GgufKeys keys("file");
  EXPECT_TRUE(eos_from_gguf(keys, 10)->empty());
  keys.add("tokenizer.ggml.eos_token_id", int64_t{7});
  keys.add("tokenizer.ggml.eom_token_id", int64_t{9});
  keys.add("tokenizer.ggml.eot_token_id", int64_t{7});
  EXPECT_THAT(*eos_from_gguf(keys, 10), ElementsAre(7, 9));
  EXPECT_THAT(eos_from_gguf(keys, 9).status().message(), HasSubstr("eom_token_id: wanted a whole number from 0 to 8"));
}

TEST(GgufFromTokenizer, RefusesASplitWithoutAName) {
  TokenizerSpec spec;
  spec.split_patterns = {"\\s+"};
  EXPECT_THAT(gguf_from_tokenizer(spec, {}, 10, "t.json").status().message(), HasSubstr("GLM's split regex alone"));
}

}  // namespace
}  // namespace drawbridge
