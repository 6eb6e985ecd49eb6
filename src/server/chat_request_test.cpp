// Every field of a chat request arrives where it should, and every bad one is refused by name.
#include "server/chat_request.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

/// A body with one user message and `more` members.
Result<ChatRequest> parse(const std::string& more, const ModelCard& card = {}) {
  const std::string text = R"({"messages":[{"role":"user","content":"Hi"}])" + (more.empty() ? "" : "," + more) + "}";
  const auto body = parse_json(text, "body");
  EXPECT_TRUE(body.ok()) << body.status().message();
  return parse_chat_request(*body, card);
}

std::string refusal(const std::string& more) {
  const auto request = parse(more);
  return request.ok() ? "accepted" : request.status().message();
}

TEST(ChatRequest, ReadsEveryField) {
  const auto request = parse(R"("model":"m","temperature":0.25,"top_p":0.5,"top_k":7,"min_p":0.125,"seed":-3,
    "presence_penalty":1,"frequency_penalty":-1,"repetition_penalty":1.5,"logit_bias":{"5":-100,"6":2.5},
    "n":3,"max_completion_tokens":9,"stop":["a","b"],"stop_token_ids":[4],"ignore_eos":true,"stream":true,
    "stream_options":{"include_usage":true},"logprobs":true,"top_logprobs":2,"reasoning_effort":"high",
    "chat_template_kwargs":{"enable_thinking":false,"clear_thinking":false},
    "tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto")");
  ASSERT_TRUE(request.ok()) << request.status().message();
  const GenerationFields& g = request->generation;
  const SamplingOptions& s = g.request.sampling;
  EXPECT_EQ(g.model, "m");
  EXPECT_EQ(s.temperature, 0.25f);
  EXPECT_EQ(s.top_p, 0.5f);
  EXPECT_EQ(s.top_k, 7);
  EXPECT_EQ(s.min_p, 0.125f);
  EXPECT_EQ(s.seed, static_cast<uint64_t>(-3));
  EXPECT_EQ(s.presence_penalty, 1.0f);
  EXPECT_EQ(s.frequency_penalty, -1.0f);
  EXPECT_EQ(s.repetition_penalty, 1.5f);
  EXPECT_EQ(s.logit_bias, (std::vector<std::pair<int32_t, float>>{{5, -100.0f}, {6, 2.5f}}));
  EXPECT_EQ(s.n_logprobs, 2);
  EXPECT_EQ(g.n, 3);
  EXPECT_EQ(g.max_tokens, 9);
  EXPECT_EQ(g.request.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(g.request.stop_token_ids, std::vector<int32_t>{4});
  EXPECT_TRUE(g.request.ignore_eos && g.stream && g.include_usage);
  EXPECT_EQ(request->options.reasoning_effort, "high");
  EXPECT_FALSE(request->options.enable_thinking);
  EXPECT_FALSE(request->options.clear_thinking);
  EXPECT_EQ(request->options.tools.size(), 1u);
  EXPECT_TRUE(request->generation.ignored.empty());
}

TEST(ChatRequest, TakesDefaultsFromTheModel) {
  ModelCard card;
  card.default_temperature = 0.5f;
  card.default_top_p = 0.75f;
  card.chat_template = ChatTemplate::kGlm52ImageTokens;
  const auto request = parse(R"("temperature":null)", card);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->generation.request.sampling.temperature, 0.5f);
  EXPECT_EQ(request->generation.request.sampling.top_p, 0.75f);
  EXPECT_EQ(request->options.chat_template, ChatTemplate::kGlm52ImageTokens);
  EXPECT_FALSE(request->generation.request.sampling.n_logprobs);
}

TEST(ChatRequest, RemembersUnknownFields) {
  const auto request = parse(R"("zebra":1,"user":"me","metadata":{"a":"b"},"stream_options":{"x":1},"frob":{})");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->generation.ignored, (std::vector<std::string>{"stream_options.x", "zebra", "frob"}));
  EXPECT_EQ(parse(R"("stream_options":{"continuous_usage_stats":true})").status().code(), Code::kUnsupported);
}

TEST(ChatRequest, RefusesWhatItWouldHaveToIgnore) {
  for (const char* more :
       {R"("response_format":{"type":"json_object"})", R"("guided_json":{})", R"("best_of":2)", R"("suffix":"x")",
        R"("audio":{"voice":"a"})", R"("functions":[{"name":"f"}])", R"("parallel_tool_calls":false)",
        R"("min_tokens":3)", R"("store":true)", R"("skip_special_tokens":false)", R"("continue_final_message":true)"}) {
    const auto request = parse(more);
    ASSERT_FALSE(request.ok()) << more;
    EXPECT_EQ(request.status().code(), Code::kUnsupported) << more;
    const std::string field = std::string(more).substr(1, std::string(more).find("\":") - 1);
    EXPECT_EQ(request.status().message().rfind(field + ": wanted it absent", 0), 0u) << request.status().message();
  }
  EXPECT_EQ(parse(R"("tools":[],"tool_choice":"required")").status().code(), Code::kUnsupported);
  EXPECT_EQ(parse(R"("tool_choice":{"type":"function"})").status().code(), Code::kUnsupported);
}

TEST(ChatRequest, AcceptsValuesThatAskForNothing) {
  const auto request = parse(R"("response_format":{"type":"text"},"best_of":1,"suffix":"","functions":[],
    "parallel_tool_calls":true,"min_tokens":0,"length_penalty":1.0,"guided_json":null,"store":false,"top_k":-1,
    "modalities":["text"],"logprobs":false,"top_logprobs":0,"tool_choice":"none","service_tier":"auto")");
  ASSERT_TRUE(request.ok()) << request.status().message();
  EXPECT_TRUE(request->generation.ignored.empty());
  EXPECT_EQ(request->generation.request.sampling.top_k, 0);
}

TEST(ChatRequest, EffortsThatTheModelDoesNotKnowAreRefused) {
  EXPECT_EQ(parse(R"("reasoning_effort":"max")")->options.reasoning_effort, "max");
  EXPECT_FALSE(parse(R"("reasoning_effort":"none")")->options.enable_thinking);
  EXPECT_EQ(refusal(R"("reasoning_effort":"low")"),
            "reasoning_effort: wanted none, high, xhigh or max (the model knows no lower effort), found \"low\"");
  EXPECT_EQ(refusal(R"("chat_template_kwargs":{"thinking":true})").rfind("chat_template_kwargs.thinking: ", 0), 0u);
}

TEST(ChatRequest, ThinkingHasThreeSwitches) {
  EXPECT_FALSE(parse(R"("thinking":{"type":"disabled"})")->options.enable_thinking);
  EXPECT_FALSE(parse(R"("thinking":{"clear_thinking":false})")->options.clear_thinking);
  EXPECT_EQ(refusal(R"("thinking":{"type":"off"})"), "thinking.type: wanted enabled or disabled, found \"off\"");
  EXPECT_TRUE(parse(R"("thinking":{"type":"disabled"},"reasoning_effort":"none",
                       "chat_template_kwargs":{"enable_thinking":true})")
                  ->options.enable_thinking);
}

TEST(ChatRequest, NoToolsWhenNoneAreToBeChosen) {
  EXPECT_TRUE(parse(R"("tools":[{"name":"f"}],"tool_choice":"none")")->options.tools.is_null());
}

TEST(ChatRequest, KnowsOtherNamesOfRolesAndReasoning) {
  const Json body = {{"messages",
                      {{{"role", "developer"}, {"content", "Be brief."}},
                       {{"role", "assistant"}, {"content", "x"}, {"reasoning", "why"}}}}};
  const auto request = parse_chat_request(body, {});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->messages[0]["role"], "system");
  EXPECT_EQ(request->messages[1]["reasoning_content"], "why");
}

TEST(ChatRequest, CapsNameTheField) {
  const auto starts = [](const std::string& more, const std::string& field) {
    EXPECT_EQ(refusal(more).rfind(field + ": ", 0), 0u) << refusal(more);
  };
  std::string stops = "\"x\"", biases = "\"1\":0";
  for (int i = 0; i < 16; ++i) stops += ",\"x\"";
  for (int i = 2; i < 1026; ++i) biases += fmt::format(",\"{}\":0", i);
  starts("\"n\":17", "n");
  starts("\"n\":0", "n");
  starts("\"max_tokens\":0", "max_tokens");
  starts("\"max_tokens\":3,\"max_completion_tokens\":4", "max_completion_tokens");
  starts("\"stop\":[" + stops + "]", "stop");
  starts("\"stop\":[\"ok\",\"" + std::string(257, 'x') + "\"]", "stop[1]");
  starts("\"stop\":\"\"", "stop");
  starts(R"("logit_bias":{"x":1})", "logit_bias");
  starts(R"("logit_bias":{"1":101})", "logit_bias");
  starts("\"top_logprobs\":3", "top_logprobs");
  starts("\"logprobs\":true,\"top_logprobs\":21", "top_logprobs");
  starts("\"stream_options\":[]", "stream_options");
  std::string many_tools = "\"tools\":[{}";
  for (int i = 0; i < 128; ++i) many_tools += ",{}";
  starts(many_tools + "]", "tools");
  Json body = {{"messages", Json::array()}};
  EXPECT_EQ(parse_chat_request(body, {}).status().message(), "messages: wanted 1 to 4096 entries, found 0");
  for (int i = 0; i < 4097; ++i) body["messages"].push_back({{"role", "user"}, {"content", ""}});
  EXPECT_FALSE(parse_chat_request(body, {}).ok());
  EXPECT_EQ(parse_chat_request(Json::array(), {}).status().message(), "body: wanted a JSON object, found array");
}

TEST(ChatRequest, ChoicesHaveSeedsOfTheirOwn) {
  GenerateRequest request;
  EXPECT_FALSE(request_of_choice(request, 1).sampling.seed);
  request.sampling.seed = 7;
  EXPECT_EQ(request_of_choice(request, 0).sampling.seed, 7u);
  EXPECT_NE(request_of_choice(request, 1).sampling.seed, request_of_choice(request, 2).sampling.seed);
  EXPECT_EQ(request_of_choice(request, 1).sampling.seed, request_of_choice(request, 1).sampling.seed);
}

}  // namespace
}  // namespace drawbridge
