#include "eval/tasks/needle_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/tasks/filler.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Words as tokens.
Result<int64_t> count_words(std::string_view text) {
  int64_t n = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    n += !blank && !in_word ? 1 : 0;
    in_word = !blank;
  }
  return n;
}

NeedleOptions options_of(int64_t index_topk, int64_t max_context) {
  NeedleOptions options;
  options.index_topk = index_topk;
  options.max_context = max_context;
  options.n_per_length = 5;
  return options;
}

std::string content(const EvalItem& item) {
  return item.messages[0]["content"].get<std::string>();
}

TEST(Needle, LengthsStraddleTheIndexersLimit) {
  EXPECT_THAT(needle_lengths(2048, 202752), ElementsAre(1024, 2049, 8192, 32768));
  EXPECT_THAT(needle_lengths(2048, 4096), ElementsAre(1024, 2049, 4096 - 192));
  EXPECT_THAT(needle_lengths(512, 1024), ElementsAre(256, 513, 1024 - 192));
  EXPECT_THAT(needle_lengths(2048, 4096, 0), ElementsAre(1024, 2049, 4096));
  EXPECT_THAT(needle_length_notes(2048, 202752), ElementsAre());
  EXPECT_THAT(needle_length_notes(2048, 4096),
              ElementsAre("needle: 8192 tokens become 3904 in a context of 4096",
                          "needle: 32768 tokens become 3904, which are asked already, in a context of 4096"));
}

TEST(Needle, PromptHasTheWantedLengthAndOneAnswer) {
  const auto items = needle_items(options_of(400, 4000), count_words);
  ASSERT_TRUE(items.ok()) << items.status().message();
  ASSERT_EQ(items->size(), 20u);
  for (const EvalItem& item : *items) {
    const auto place = needle_place(item.id);
    ASSERT_TRUE(place) << item.id;
    const int64_t n = count_words(content(item)).value();
    EXPECT_GE(n, place->length) << item.id;
    EXPECT_LE(n, place->length + 60) << item.id;
    const std::string text = content(item);
    const size_t at = text.find(" is " + item.expected + ".");
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(text.find(item.expected, at + 9), std::string::npos);
    const double depth = static_cast<double>(at) / static_cast<double>(text.size());
    EXPECT_NEAR(100 * depth, static_cast<double>(place->depth_percent), 20) << item.id;
  }
}

TEST(Needle, DecoysNameOthers) {
  const auto items = needle_items(options_of(400, 4000), count_words);
  for (const EvalItem& item : *items) {
    const std::string text = content(item);
    int n = 0;
    for (size_t at = text.find("access code of"); at != std::string::npos; at = text.find("access code of", at + 1))
      ++n;
    EXPECT_EQ(n, 5);  // needle, three decoys, question
    const size_t asked = text.find("What is the access code of ") + 27;
    const std::string name = text.substr(asked, text.find('?', asked) - asked);
    EXPECT_THAT(text, HasSubstr("The access code of " + name + " is " + item.expected + "."));
    EXPECT_EQ(text.find("of " + name + " is"), text.rfind("of " + name + " is"));
  }
}

TEST(Needle, SeedDecidesEverything) {
  NeedleOptions options = options_of(400, 1000);
  const auto first = needle_items(options, count_words), again = needle_items(options, count_words);
  EXPECT_EQ(content(first->at(3)), content(again->at(3)));
  options.seed = 2;
  EXPECT_NE(content(needle_items(options, count_words)->at(3)), content(first->at(3)));
}

TEST(Needle, HidesInTheGivenText) {
  NeedleOptions options = options_of(200, 1000);
  options.haystack = "It rains in Ghent. Does it snow?\nNobody knows";
  options.chat = false;
  const EvalItem item = needle_items(options, count_words)->at(0);
  EXPECT_TRUE(item.messages.is_null());
  EXPECT_THAT(item.prompt, HasSubstr("It rains in Ghent. Does it snow? Nobody knows It rains"));
  EXPECT_THAT(item.prompt, testing::EndsWith(" is"));
  options.haystack = " \n ";
  EXPECT_THAT(needle_items(options, count_words).status().message(), HasSubstr("only blanks"));
  EXPECT_THAT(needle_items(options_of(200, 100), count_words).status().message(), HasSubstr("found 100"));
}

TEST(Needle, FirstNumberCounts) {
  EXPECT_EQ(score_needle("The code is 48213.", "48213"), 1);
  EXPECT_EQ(score_needle("11111 or 48213", "48213"), 0);
  EXPECT_EQ(score_needle("148213", "48213"), 0);
  EXPECT_EQ(score_needle("I do not know", "48213"), 0);
  EXPECT_FALSE(needle_place("gsm8k-12"));
}

TEST(Needle, IsATaskOfTheRunner) {
  const auto task = make_needle_task(options_of(400, 1000), count_words);
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->items.size(), 15u);
  const EvalItem& item = task->items[2];
  const ScoredAnswer scored = task->filters.at(0).score(item, "It is " + item.expected + ".");
  EXPECT_EQ(scored.answer, item.expected);
  EXPECT_EQ(scored.score, 1);
  EXPECT_EQ(task->manifest["index_topk"], 400);
}

TEST(Filler, CutsLongTextBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "ü";
  const std::vector<std::string> parts = split_sentences(text);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].size(), 240u);
  EXPECT_EQ(parts[0] + parts[1], text);
  EXPECT_THAT(split_sentences("One. Two? Three"), ElementsAre("One.", "Two?", "Three"));
}

}  // namespace
}  // namespace drawbridge
