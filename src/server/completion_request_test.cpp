#include "server/completion_request.h"

#include <gtest/gtest.h>

#include "server/tokenize_request.h"

namespace drawbridge {
namespace {

Result<CompletionRequest> parse(const std::string& text) {
  const auto body = parse_json(text, "body");
  EXPECT_TRUE(body.ok()) << body.status().message();
  return parse_completion_request(*body, {});
}

TEST(CompletionRequest, TakesPromptsInFourForms) {
  EXPECT_EQ(parse(R"({"prompt":"a"})")->prompts.at(0).text, "a");
  EXPECT_EQ(parse(R"({"prompt":["a","b"]})")->prompts.at(1).text, "b");
  EXPECT_EQ(parse(R"({"prompt":[1,2]})")->prompts.at(0).tokens, (std::vector<int32_t>{1, 2}));
  const auto lists = parse(R"({"prompt":[[1],[2,3]]})");
  ASSERT_EQ(lists->prompts.size(), 2u);
  EXPECT_EQ(lists->prompts[1].tokens, (std::vector<int32_t>{2, 3}));
  EXPECT_FALSE(lists->prompts[1].is_text);
}

TEST(CompletionRequest, RefusesByField) {
  const auto refusal = [](const std::string& text) { return parse(text).status().message(); };
  EXPECT_EQ(refusal("{}"), "prompt: wanted a string or an array of token ids, found null");
  EXPECT_EQ(refusal(R"({"prompt":["a",{}]})"), "prompt[1]: wanted a string or an array of token ids, found object");
  EXPECT_EQ(refusal(R"({"prompt":[[1,-1]]})"), "prompt[0][1]: wanted an integer from 0 to 2147483647, found -1");
  EXPECT_EQ(refusal(R"({"prompt":"a","logprobs":21})"), "logprobs: wanted an integer from 0 to 20, found 21");
  EXPECT_EQ(refusal(R"({"prompt":"a","echo":true,"logprobs":1})").rfind("echo: ", 0), 0u);
  EXPECT_EQ(refusal(R"({"prompt":["a","b","c","d","e"],"n":16})").rfind("n: ", 0), 0u);
  EXPECT_EQ(refusal(R"({"prompt":"a","suffix":"b"})").rfind("suffix: ", 0), 0u);
}

TEST(CompletionRequest, HasOpenAisDefaults) {
  const auto request = parse(R"({"prompt":"a","logprobs":0,"messages":[]})");
  EXPECT_EQ(request->generation.max_tokens, 16);
  EXPECT_EQ(request->generation.request.sampling.n_logprobs, 0);
  EXPECT_EQ(request->generation.ignored, std::vector<std::string>{"messages"});
  EXPECT_FALSE(parse(R"({"prompt":"a","logprobs":false})")->generation.request.sampling.n_logprobs);
}

TEST(TokenizeRequest, TakesAPromptOrAChat) {
  EXPECT_EQ(parse_tokenize_request({{"prompt", "a"}}, {})->text, "a");
  const Json chat = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"add_generation_prompt", false}};
  EXPECT_EQ(parse_tokenize_request(chat, {})->text, "[gMASK]<sop><|system|>Reasoning Effort: Max<|user|>Hi");
  EXPECT_FALSE(parse_tokenize_request(Json::object(), {}).ok());
  EXPECT_FALSE(parse_tokenize_request(1, {}).ok());
}

TEST(TokenizeRequest, TakesTokensToDecode) {
  EXPECT_EQ(parse_detokenize_request({{"tokens", {1, 2}}})->tokens, (std::vector<int32_t>{1, 2}));
  EXPECT_FALSE(parse_detokenize_request(Json::object()).ok());
  EXPECT_FALSE(parse_detokenize_request({{"tokens", {1, "x"}}}).ok());
}

}  // namespace
}  // namespace drawbridge
