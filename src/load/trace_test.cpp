// Files of load from outside: traces, prompts, conversations; and what is said about bad ones.
#include "load/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load/prompt_file.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kMany = 1000;

TokenCosts costs() {
  TokenCosts made;
  made.per_word.assign(prompt_words().size(), 1);
  made.per_request = 4;
  return made;
}

PlannedRequest next_of(Workload& workload) {
  auto next = workload.next(0);
  EXPECT_TRUE(next.ok() && next->has_value());
  return std::move(**next);
}

std::string mooncake_error(const std::string& lines) {
  const auto trace = parse_mooncake_trace(lines, "t.jsonl", kMany);
  return trace.ok() ? "" : trace.status().message();
}

const std::string kMooncake =
    "{\"timestamp\": 100, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 1]}\n"
    "{\"timestamp\": 600, \"input_length\": 1536, \"output_length\": 7, \"hash_ids\": [0, 1, 2]}\n"
    "{\"timestamp\": 600, \"input_length\": 1000, \"output_length\": 0, \"hash_ids\": [0, 3]}\n";

TEST(MooncakeTrace, IsRead) {
  const auto trace = parse_mooncake_trace(kMooncake, "t.jsonl", kMany);
  ASSERT_TRUE(trace.ok()) << trace.status().message();
  ASSERT_EQ(trace->size(), 3u);
  EXPECT_EQ((*trace)[0].at_s, 0);
  EXPECT_EQ((*trace)[1].at_s, 0.5);
  EXPECT_EQ((*trace)[1].n_prompt, 1536);
  EXPECT_EQ((*trace)[1].n_output, 7);
  EXPECT_THAT((*trace)[1].blocks, ElementsAre(0, 1, 2));
  EXPECT_EQ(parse_mooncake_trace(kMooncake, "t.jsonl", 2)->size(), 2u);
}

TEST(MooncakeTrace, MalformedLinesAreNamed) {
  EXPECT_THAT(mooncake_error(kMooncake + "{\"timestamp\": 1"), HasSubstr("t.jsonl:4"));
  EXPECT_THAT(mooncake_error("{\"timestamp\": 1, \"input_length\": 600}\n"),
              HasSubstr("t.jsonl:1: member \"output_length\" is missing"));
  EXPECT_THAT(mooncake_error("{\"timestamp\": 1, \"input_length\": \"6\", \"output_length\": 1, \"hash_ids\": [1]}"),
              HasSubstr("\"input_length\": wanted an integer, found \"6\""));
  EXPECT_THAT(mooncake_error("{\"timestamp\": 1, \"input_length\": 0, \"output_length\": 1, \"hash_ids\": []}"),
              HasSubstr("input_length: wanted 1 to 100000000 tokens, found 0"));
  EXPECT_THAT(mooncake_error("{\"timestamp\": 1, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": [1]}"),
              HasSubstr("hash_ids: wanted 2 for 600 tokens, found 1"));
  EXPECT_THAT(mooncake_error("{\"timestamp\": 1, \"input_length\": 6, \"output_length\": 1, \"hash_ids\": [1.5]}"),
              HasSubstr("hash_ids: wanted integers, found 1.5"));
  EXPECT_THAT(mooncake_error(kMooncake + "{\"timestamp\": 5, \"input_length\": 6, \"output_length\": 1, "
                                         "\"hash_ids\": [1]}"),
              HasSubstr("t.jsonl:4: wanted a time that is not before the last line's"));
  EXPECT_THAT(mooncake_error("\n\n"), HasSubstr("wanted requests, found none"));
}

TEST(MooncakeTrace, EqualBlocksAreEqualTextAndHitsEndAtTheFirstNewBlock) {
  auto trace = parse_mooncake_trace(kMooncake, "t.jsonl", kMany);
  ASSERT_TRUE(trace.ok());
  const auto workload = make_trace_workload({"t.jsonl", 64, 6, 2}, std::move(*trace), PromptText(costs(), 1));
  const PlannedRequest first = next_of(*workload);
  const PlannedRequest second = next_of(*workload);
  const PlannedRequest third = next_of(*workload);
  EXPECT_EQ(first.n_prompt, 75) << "600 tokens, 64 for each 512";
  EXPECT_EQ(first.n_cached, 0);
  EXPECT_EQ(second.n_prompt, 192);
  EXPECT_EQ(second.n_cached, 128);
  EXPECT_EQ(third.n_cached, 64);
  EXPECT_EQ(second.due_s, 1.0) << "twice as slow";
  EXPECT_EQ(second.n_output, 6) << "cut";
  EXPECT_EQ(third.n_output, 1) << "none cannot be asked for";
  const std::string& text = first.messages[0].text;
  EXPECT_EQ(text.substr(0, 300), second.messages[0].text.substr(0, 300));
  EXPECT_EQ(second.messages[0].text.substr(0, 200), third.messages[0].text.substr(0, 200));
  EXPECT_EQ(std::count(text.begin(), text.end(), ' ') + 1, 75 - 4);
  EXPECT_FALSE(workload->next(0)->has_value()) << "one pass";
}

std::string azure_error(const std::string& text) {
  const auto trace = parse_azure_trace(text, "a.csv", kMany);
  return trace.ok() ? "" : trace.status().message();
}

const std::string kAzureHeading = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n";

TEST(AzureTrace, IsRead) {
  const auto trace = parse_azure_trace(
      kAzureHeading + "2023-11-16 23:59:59.5000000,374,44\r\n2023-11-17 00:00:01,396,109\r\n", "a.csv", kMany);
  ASSERT_TRUE(trace.ok()) << trace.status().message();
  ASSERT_EQ(trace->size(), 2u);
  EXPECT_NEAR((*trace)[1].at_s, 1.5, 1e-6);
  EXPECT_EQ((*trace)[1].n_prompt, 396);
  EXPECT_EQ((*trace)[1].n_output, 109);
}

TEST(AzureTrace, MalformedLinesAreNamed) {
  EXPECT_THAT(azure_error("a,b\n"), HasSubstr("a.csv:1: wanted TIMESTAMP,ContextTokens,GeneratedTokens, found a,b"));
  for (const char* bad : {"2023-11-16 18:15:46.68,374", "yesterday,374,44", "2023-11-16 18:15:46.6x,374,44",
                          "2023-11-16 18:15:46.68,374,44,1", ",,", "2023-11-16 18:15:46.68,-,44"}) {
    EXPECT_THAT(azure_error(kAzureHeading + bad), HasSubstr("a.csv:2: wanted TIMESTAMP")) << bad;
  }
  EXPECT_THAT(azure_error(kAzureHeading + "2023-11-16 18:15:46,-3,44"), HasSubstr("ContextTokens: wanted 1 to"));
}

TEST(PromptFile, IsPlainTextOrJsonLines) {
  const auto plain = parse_prompt_file("one\n\ntwo words\n", "p.txt", kMany);
  ASSERT_TRUE(plain.ok());
  ASSERT_EQ(plain->size(), 2u);
  EXPECT_EQ((*plain)[1].messages[0].text, "two words");
  const auto json = parse_prompt_file(
      "{\"prompt\": \"one\", \"output_tokens\": 9}\n"
      "{\"messages\": [{\"role\": \"system\", \"content\": \"be\"}, {\"role\": \"user\", \"content\": \"go\"}]}\n",
      "p.jsonl", kMany);
  ASSERT_TRUE(json.ok()) << json.status().message();
  EXPECT_EQ((*json)[0].n_output, 9);
  EXPECT_EQ((*json)[1].messages[0].role, "system");
  EXPECT_EQ((*json)[1].messages[1].text, "go");
}

TEST(PromptFile, MalformedLinesAreNamed) {
  const auto error = [](const std::string& text) { return parse_prompt_file(text, "p", kMany).status().message(); };
  EXPECT_THAT(error(""), HasSubstr("p: wanted a prompt a line, found none"));
  EXPECT_THAT(error("{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n"), HasSubstr("p:2: member \"prompt\" is missing"));
  EXPECT_THAT(error("{\"messages\": []}"), HasSubstr("messages: wanted one or more"));
  EXPECT_THAT(error("{\"prompt\": \"a\", \"output_tokens\": 0}"), HasSubstr("output_tokens: wanted 1 to"));
  EXPECT_THAT(error("{\"prompt\": \"a\"}\nplain"), HasSubstr("p:2"));
}

TEST(ShareGptFile, TakesFirstQuestionsAndTheLengthsOfTheirAnswers) {
  const std::string file = R"([
    {"id": "a", "conversations": [{"from": "human", "value": "ask"}, {"from": "gpt", "value": "one two three"}]},
    {"id": "b", "conversations": [{"from": "gpt", "value": "starts wrong"}]},
    {"id": "c", "conversations": []},
    {"id": "d", "conversations": [{"from": "user", "value": "more"}, {"from": "assistant", "value": "yes"}]}])";
  auto prompts = parse_sharegpt_file(file, "s.json", kMany);
  ASSERT_TRUE(prompts.ok()) << prompts.status().message();
  ASSERT_EQ(prompts->size(), 2u);
  TokenCosts counted = costs();
  counted.count = [](const std::string& text) -> Result<int64_t> { return static_cast<int64_t>(text.size()); };
  const auto workload = make_prompt_workload({"s.json", 0}, std::move(*prompts), counted);
  ASSERT_TRUE(workload.ok());
  const PlannedRequest first = next_of(**workload);
  EXPECT_EQ(first.n_prompt, 3 + 4);
  EXPECT_EQ(first.n_output, 13);
  next_of(**workload);
  const PlannedRequest again = next_of(**workload);
  EXPECT_EQ(again.messages[0].text, "ask");
  EXPECT_EQ(again.n_cached, again.n_prompt) << "it was sent before";
}

TEST(ShareGptFile, SaysWhatIsWrong) {
  const auto error = [](const std::string& text) { return parse_sharegpt_file(text, "s", kMany).status().message(); };
  EXPECT_THAT(error("{}"), HasSubstr("s: wanted an array of conversations, found {}"));
  EXPECT_THAT(error("[{}]"), HasSubstr("s: [0]: member \"conversations\" is missing"));
  EXPECT_THAT(error("[]"), HasSubstr("found none"));
  EXPECT_THAT(error("[{"), HasSubstr("s"));
}

}  // namespace
}  // namespace drawbridge
