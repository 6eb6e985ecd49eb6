// A small tokenizer with known merges: what is refused by name, special tokens, streaming, long runs, threads.
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/json.h"
#include "base/mapped_file.h"
#include "text/detokenizer.h"
#include "text/regex_dialect.h"
#include "text/test_files.h"

namespace drawbridge {
namespace {

std::string small_json() {
  const auto text = read_text_file(DB_SOURCE_DIR "/tests/fuzz/tokenizer_json/small.json", 1 << 20);
  EXPECT_TRUE(text.ok());
  return text.ok() ? *text : "";
}

Tokenizer tokenizer_of(const std::string& json) {
  auto parsed = Tokenizer::parse(json, "small.json");
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return std::move(parsed).value();
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST(Tokenizer, MergesByRankNotByPosition) {
  const Tokenizer tokenizer = tokenizer_of(small_json());
  EXPECT_EQ(*tokenizer.encode("abc"), (std::vector<int32_t>{257}));
  EXPECT_EQ(*tokenizer.encode("bc"), (std::vector<int32_t>{259}));
  EXPECT_EQ(*tokenizer.encode(" abc"), (std::vector<int32_t>{*tokenizer.id_of(" "), 257}));
  EXPECT_EQ(tokenizer.token_bytes(258), " a");
  EXPECT_EQ(tokenizer.vocab_size(), 262);
  EXPECT_EQ(tokenizer.token_bytes(-1), "");
  EXPECT_EQ(tokenizer.token_bytes(262), "");
}

TEST(Tokenizer, TakesAddedTokensOnlyWhenAsked) {
  const Tokenizer tokenizer = tokenizer_of(small_json());
  EXPECT_EQ(*tokenizer.encode("<|user|><think>"), (std::vector<int32_t>{261, 260}));
  const auto plain = *tokenizer.encode("<|user|><think>", {.parse_special = false});
  EXPECT_EQ(plain.size(), 15u);
  EXPECT_EQ(tokenizer.decode(plain, true), "<|user|><think>");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{261, 260, 257}, true), "<think>abc");
  EXPECT_TRUE(tokenizer.is_special(261));
  EXPECT_FALSE(tokenizer.is_special(260));
  EXPECT_EQ(tokenizer.id_of("<think>"), 260);
  EXPECT_EQ(tokenizer.id_of("no such"), std::nullopt);
}

TEST(Tokenizer, RefusesByNameWhatItDoesNotDo) {
  const auto message = [](const std::string& what, const std::string& with) {
    return Tokenizer::parse(replaced(small_json(), what, with), "t.json").status().message();
  };
  EXPECT_EQ(message(R"("normalizer":null)", R"("normalizer":{"type":"NFC"})"),
            "t.json: normalizer: wanted null, found type NFC");
  EXPECT_EQ(message(R"("dropout":null)", R"("dropout":0.1)"), "t.json: model: dropout: wanted null, found 0.1");
  EXPECT_EQ(message(R"("type":"BPE")", R"("type":"Unigram")"), "t.json: model: wanted BPE, found type Unigram");
  EXPECT_EQ(message(R"("behavior":"Isolated")", R"("behavior":"Removed")"),
            "t.json: pre_tokenizer Split: behavior: wanted Isolated, found \"Removed\"");
  EXPECT_EQ(message(R"("use_regex":false)", R"("use_regex":true)"),
            "t.json: pre_tokenizer ByteLevel: use_regex: wanted false, found true");
  EXPECT_EQ(message(R"("post_processor":null)", R"("post_processor":{"type":"TemplateProcessing"})"),
            "t.json: post_processor: wanted null or ByteLevel, found type TemplateProcessing");
  EXPECT_EQ(message(R"("byte_fallback":false)", R"("byte_fallback":true)"),
            "t.json: model: byte_fallback: wanted false, found true");
  EXPECT_EQ(message(R"("lstrip":false)", R"("lstrip":true)"),
            "t.json: added token '<think>': lstrip: wanted false, found true");
  EXPECT_EQ(
      message(R"(["a","b"])", R"(["a","zz"])"),
      "t.json: model.merges[0]: wanted a pair of tokens, found 'a' 'zz' of which a part or the whole is no token");
  EXPECT_EQ(message(R"("a":)", R"("\u4e00":)"),
            "t.json: model.vocab: wanted every byte of UTF-8 as a token, found none for byte 97");
  EXPECT_EQ(message(R"("id":261)", R"("id":5)").rfind("t.json: id 5: wanted one token", 0), 0u);
}

TEST(Tokenizer, RefusesRegexThatEnginesReadDifferently) {
  for (const char* bad : {R"(\w+)", R"(\p{Lu})", "a.b", "^a", "[a&&b]", "[[:alpha:]]", "(?m:a)", "(*UTF)a", R"((a)\1)",
                          R"([^\S])", R"(\)", ""}) {
    EXPECT_FALSE(translate_split_regex(bad, "t").ok()) << bad;
  }
  EXPECT_TRUE(translate_split_regex(R"((?i:'s)|[^\s\p{L}]?\P{N}{1,3}(?!\S)|\+\.)", "t").ok());
}

TEST(Tokenizer, AnEvilRegexEndsInAnErrorNotAHang) {
  const std::string evil = replaced(small_json(), R"("Regex":"(?i:)", R"("Regex":"(?:(?:a|a)+)+!|(?i:)");
  const Tokenizer tokenizer = tokenizer_of(evil);
  const auto ids = tokenizer.encode(std::string(64, 'a'));
  ASSERT_FALSE(ids.ok());
  EXPECT_EQ(ids.status().code(), Code::kResourceExhausted);
}

TEST(Tokenizer, LongRunsStayCheap) {
  // A merge quadratic in the run would take many minutes here.
  const auto& tokenizer = glm46_tokenizer();
  for (const char* unit : {"a", " ", "\n", "=", "ab"}) {
    std::string text;
    while (text.size() < 300'000) text += unit;
    const auto ids = tokenizer.encode(text);
    ASSERT_TRUE(ids.ok()) << ids.status().message();
    EXPECT_EQ(tokenizer.decode(*ids, false), text);
  }
}

TEST(Detokenizer, NeverEmitsPartOfACharacter) {
  const Tokenizer tokenizer = tokenizer_of(small_json());
  Detokenizer stream(tokenizer);
  std::vector<std::string> parts;
  const auto ids = *tokenizer.encode("é👍");
  for (int32_t id : ids) parts.push_back(stream.push(id));
  EXPECT_EQ(parts, (std::vector<std::string>{"", "é", "", "", "", "👍"}));
  EXPECT_EQ(stream.push(*tokenizer.id_of("\xe5")), "");
  EXPECT_EQ(stream.push(261), "");
  EXPECT_EQ(stream.push(*tokenizer.id_of("\x8c")), "");
  EXPECT_EQ(stream.finish(), "\xef\xbf\xbd");
  EXPECT_EQ(stream.finish(), "");
}

TEST(Tokenizer, ThreadsShareOne) {
  const Tokenizer& tokenizer = glm46_tokenizer();
  const std::string text = "Shared by threads: 北京 12345 <think>don't</think>\n\n";
  const auto wanted = *tokenizer.encode(text);
  std::vector<int> n_right(4);
  {
    std::vector<std::jthread> threads;
    for (int& right : n_right) {
      threads.emplace_back([&tokenizer, &text, &wanted, &right] {
        for (int i = 0; i < 200; ++i) right += *tokenizer.encode(text) == wanted ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(n_right, std::vector<int>(4, 200));
}

}  // namespace
}  // namespace drawbridge
