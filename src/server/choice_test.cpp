// What the engine says becomes OpenAI's chunks and messages.
#include <gtest/gtest.h>

#include "engine/tiny_engine_test.h"
#include "server/chat_choice.h"
#include "server/completion_choice.h"

namespace drawbridge {
namespace {

const Tokenizer& bytes() {
  static const Tokenizer kBytes = Tokenizer::parse(byte_tokenizer_json(), "bytes").value();
  return kBytes;
}

Output piece(const std::string& text) {
  Output output;
  output.token = 'x';
  output.text = text;
  return output;
}

Output last(const std::string& text, FinishReason reason) {
  Output output = piece(text);
  output.finish = Finish{reason, {}, std::nullopt, {}};
  return output;
}

const Json kTools = {{{"type", "function"}, {"function", {{"name", "add"}}}}};
constexpr const char* kCall =
    "think</think>Sure.<tool_call>add<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>";

ChatChoice chat_choice() {
  return ChatChoice(bytes(), 2, "id", {.starts_in_reasoning = true, .parse_tool_calls = true, .tools = kTools});
}

/// The whole message that the deltas of a stream add up to.
Json add_up(const std::vector<Json>& chunks) {
  Json whole = {{"content", ""}, {"reasoning_content", ""}, {"tool_calls", Json::array()}};
  for (const Json& chunk : chunks) {
    EXPECT_EQ(chunk["index"], 2);
    const Json& delta = chunk["delta"];
    for (const char* field : {"content", "reasoning_content"}) {
      if (delta.contains(field)) whole[field] = whole[field].get<std::string>() + delta[field].get<std::string>();
    }
    for (const Json& call : delta.value("tool_calls", Json::array())) {
      const auto index = call["index"].get<size_t>();
      if (index == whole["tool_calls"].size()) {
        whole["tool_calls"].push_back({{"id", call["id"]}, {"type", call["type"]}, {"function", call["function"]}});
      } else {
        EXPECT_FALSE(call.contains("id"));
        Json& arguments = whole["tool_calls"][index]["function"]["arguments"];
        arguments = arguments.get<std::string>() + call["function"]["arguments"].get<std::string>();
      }
    }
  }
  return whole;
}

TEST(ChatChoice, StreamsWhatItSaysAsAWhole) {
  const std::string text = kCall;
  for (size_t step : {size_t{1}, size_t{7}, text.size()}) {
    ChatChoice streamed = chat_choice(), whole = chat_choice();
    std::vector<Json> chunks;
    for (size_t at = 0; at < text.size(); at += step) {
      streamed.push(piece(text.substr(at, step)));
      whole.push(piece(text.substr(at, step)));
      for (Json& chunk : streamed.take_chunks()) chunks.push_back(std::move(chunk));
    }
    streamed.push(last("", FinishReason::kStop));
    whole.push(last("", FinishReason::kStop));
    for (Json& chunk : streamed.take_chunks()) chunks.push_back(std::move(chunk));
    EXPECT_EQ(chunks.front()["delta"], (Json{{"role", "assistant"}, {"content", ""}}));
    EXPECT_EQ(chunks.back()["finish_reason"], "tool_calls");
    EXPECT_EQ(chunks.back()["delta"], Json::object());
    for (size_t i = 0; i + 1 < chunks.size(); ++i) EXPECT_TRUE(chunks[i]["finish_reason"].is_null());

    const Json choice = whole.take_whole();
    const Json sum = add_up(chunks);
    EXPECT_EQ(choice["finish_reason"], "tool_calls");
    EXPECT_EQ(choice["message"]["role"], "assistant");
    EXPECT_EQ(choice["message"]["content"], "Sure.");
    EXPECT_EQ(choice["message"]["reasoning_content"], "think");
    EXPECT_EQ(choice["message"]["tool_calls"][0]["function"], (Json{{"name", "add"}, {"arguments", "{\"a\": 1}"}}));
    for (const char* field : {"content", "reasoning_content", "tool_calls"}) {
      EXPECT_EQ(sum[field], choice["message"][field]) << field;
    }
  }
}

TEST(ChatChoice, ACallCutByTheLengthDoesNotLookWhole) {
  ChatChoice choice = chat_choice();
  choice.push(last("</think><tool_call>add<arg_key>a</arg_key><arg_value>1", FinishReason::kLength));
  const Json whole = choice.take_whole();
  EXPECT_EQ(whole["finish_reason"], "length");
  EXPECT_TRUE(whole["message"]["content"].is_null());
}

TEST(ChatChoice, SaysNothingAsAnEmptyString) {
  ChatChoice choice(bytes(), 0, "id", {.starts_in_reasoning = false});
  choice.push(last("", FinishReason::kStop));
  EXPECT_EQ(choice.take_whole()["message"], (Json{{"role", "assistant"}, {"content", ""}}));
}

TEST(ChatChoice, CountsReasoningTokens) {
  ChatChoice choice = chat_choice();
  for (const char* text : {"a", "b", "</think>", "c"}) choice.push(piece(text));
  EXPECT_EQ(choice.n_reasoning_tokens(), 2);
}

Output with_logprob(int32_t token, const std::string& text) {
  Output output = piece(text);
  output.token = token;
  output.chosen = TokenLogprob{token, -0.5f};
  output.alternatives = {{'b', -0.25f}, {token, -0.5f}, {'c', -INFINITY}};
  return output;
}

TEST(ChatChoice, LogprobsOfHeldBackTokensComeWithTheNextChunk) {
  ChatChoice choice(bytes(), 0, "id", {.starts_in_reasoning = false});
  choice.push(with_logprob(0xc3, ""));
  auto chunks = choice.take_chunks();
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_TRUE(chunks[0]["logprobs"].is_null());
  choice.push(with_logprob(0xa9, "\u00e9"));
  chunks = choice.take_chunks();
  ASSERT_EQ(chunks.size(), 1u);
  const Json& content = chunks[0]["logprobs"]["content"];
  ASSERT_EQ(content.size(), 2u);
  EXPECT_EQ(content[0]["token"], "bytes:\\xc3");
  EXPECT_EQ(content[0]["bytes"], Json::array({0xc3}));
  EXPECT_EQ(content[0]["logprob"], -0.5);
  EXPECT_EQ(content[0]["top_logprobs"].size(), 3u);
  EXPECT_EQ(content[0]["top_logprobs"][2]["logprob"], -9999.0);
}

TEST(CompletionChoice, GivesTextAndParallelLogprobs) {
  CompletionChoice choice(bytes(), 1, "echo ");
  choice.push(with_logprob(0xc3, ""));
  EXPECT_EQ(choice.take_chunks()[0]["text"], "echo ");
  choice.push(with_logprob(0xa9, "\u00e9"));
  choice.push(with_logprob('a', "a"));
  Output end = last("z", FinishReason::kLength);
  end.chosen = TokenLogprob{'z', -1.0f};
  choice.push(end);
  const auto chunks = choice.take_chunks();
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0]["index"], 1);
  EXPECT_EQ(chunks[0]["text"], "\u00e9az");
  EXPECT_EQ(chunks[0]["finish_reason"], "length");
  const Json& logprobs = chunks[0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], (Json{"bytes:\\xa9", "a", "z"}));
  EXPECT_EQ(logprobs["token_logprobs"], (Json{-0.5, -0.5, -1.0}));
  EXPECT_EQ(logprobs["text_offset"], (Json{0, 1, 2}));
  EXPECT_EQ(logprobs["top_logprobs"][1], (Json{{"b", -0.25}, {"a", -0.5}, {"c", -9999.0}}));
  EXPECT_EQ(logprobs["top_logprobs"][2], (Json{{"z", -1.0}}));
}

TEST(CompletionChoice, SaysNothingUntilThereIsText) {
  CompletionChoice choice(bytes(), 0, "");
  choice.push(piece(""));
  EXPECT_TRUE(choice.take_chunks().empty());
}

}  // namespace
}  // namespace drawbridge
