// The routes on a tiny engine, without a network.
#include "server/api_server.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "engine/tiny_engine_test.h"
#include "server/fake_exchange_test.h"

namespace drawbridge {
namespace {

EngineOptions roomy() {
  EngineOptions options = tiny_options();
  options.max_context = 2000;
  return options;
}

class ApiServerTest : public testing::Test {
 protected:
  explicit ApiServerTest(const EngineOptions& options = roomy(), const ApiOptions& api = {{"tiny", "other"}, {}})
      : engine_(start_engine(options)), api_(std::make_unique<ApiServer>(*engine_, api)) {}

  std::shared_ptr<FakeExchange> send(HttpRequest request) {
    auto exchange = std::make_shared<FakeExchange>(std::move(request));
    api_->handle(exchange);
    return exchange;
  }
  HttpResponse ask(HttpRequest request) { return send(std::move(request))->wait(); }
  HttpResponse post(const std::string& path, const Json& body) {
    return ask(http_request("POST", path, dump_json(body)));
  }
  Json complete(Json body) {
    const HttpResponse response = post("/v1/completions", body);
    EXPECT_EQ(response.status, 200) << response.body;
    return parse_json(response.body, "response").value();
  }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ApiServer> api_;
};

Json error_of(const HttpResponse& response) {
  return parse_json(response.body, "response").value()["error"];
}

/// Greedy text of letters only: every other byte is far less likely.
Json letters(const std::string& prompt, int max_tokens) {
  Json bias = Json::object();
  for (char c = 'a'; c <= 'z'; ++c) bias[fmt::format("{}", static_cast<int>(c))] = 100;
  return {{"prompt", prompt}, {"max_tokens", max_tokens}, {"temperature", 0}, {"logit_bias", bias}};
}

Json chat(const std::string& text, int max_tokens) {
  return {{"messages", {{{"role", "user"}, {"content", text}}}},
          {"max_tokens", max_tokens},
          {"ignore_eos", true},
          {"seed", 1}};
}

TEST_F(ApiServerTest, CompletionInOnePiece) {
  const Json whole = complete(letters("Once", 12));
  EXPECT_EQ(whole["object"], "text_completion");
  EXPECT_EQ(whole["model"], "tiny");
  EXPECT_TRUE(whole["id"].get<std::string>().starts_with("cmpl-"));
  EXPECT_GT(whole["created"], 1'600'000'000);
  ASSERT_EQ(whole["choices"].size(), 1u);
  EXPECT_EQ(whole["choices"][0]["text"].get<std::string>().size(), 12u);
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(whole["usage"], (Json{{"prompt_tokens", 4},
                                  {"completion_tokens", 12},
                                  {"total_tokens", 16},
                                  {"prompt_tokens_details", {{"cached_tokens", 0}}},
                                  {"completion_tokens_details", {{"reasoning_tokens", 0}}}}));
}

TEST_F(ApiServerTest, StreamAddsUpToTheWhole) {
  Json body = letters("Once", 12);
  const std::string text = complete(body)["choices"][0]["text"];
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  const HttpResponse response = post("/v1/completions", body);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.content_type.starts_with("text/event-stream"));
  const auto events = events_of(response.body);
  std::string streamed;
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    EXPECT_EQ(events[i]["id"], events[0]["id"]);
    EXPECT_EQ(events[i]["object"], "text_completion");
    EXPECT_TRUE(events[i]["usage"].is_null());
    ASSERT_EQ(events[i]["choices"].size(), 1u);
    streamed += events[i]["choices"][0]["text"].get<std::string>();
  }
  EXPECT_EQ(streamed, text);
  EXPECT_EQ(events[events.size() - 2]["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(events.back()["choices"], Json::array());
  EXPECT_EQ(events.back()["usage"]["completion_tokens"], 12);
}

TEST_F(ApiServerTest, UsageOnlyWhereItIsAskedFor) {
  Json body = letters("Once", 2);
  body["stream"] = true;
  for (const Json& event : events_of(post("/v1/completions", body).body)) EXPECT_FALSE(event.contains("usage"));
}

TEST_F(ApiServerTest, StopStringsReachAcrossTokens) {
  Json body = letters("Once", 12);
  const std::string text = complete(body)["choices"][0]["text"];
  const std::string stop = text.substr(5, 3);
  body["stop"] = {"not in there", stop};
  const Json cut = complete(body)["choices"][0];
  EXPECT_EQ(cut["text"], text.substr(0, text.find(stop)));
  EXPECT_EQ(cut["finish_reason"], "stop");
}

TEST_F(ApiServerTest, ChatStreamsRoleThenDeltasThenReason) {
  Json body = chat("Hi", 6);
  body["stream"] = true;
  const auto events = events_of(post("/v1/chat/completions", body).body);
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events[0]["object"], "chat.completion.chunk");
  EXPECT_EQ(events[0]["choices"][0]["delta"], (Json{{"role", "assistant"}, {"content", ""}}));
  for (size_t i = 1; i + 1 < events.size(); ++i) {
    EXPECT_TRUE(events[i]["choices"][0]["delta"].contains("reasoning_content"));
    EXPECT_TRUE(events[i]["choices"][0]["finish_reason"].is_null());
  }
  EXPECT_EQ(events.back()["choices"][0]["finish_reason"], "length");
}

TEST_F(ApiServerTest, ChatAnswersWithAMessage) {
  Json body = chat("Hi", 6);
  body["chat_template_kwargs"] = {{"enable_thinking", false}};
  body["logprobs"] = true;
  body["top_logprobs"] = 2;
  const Json whole = parse_json(post("/v1/chat/completions", body).body, "response").value();
  EXPECT_EQ(whole["object"], "chat.completion");
  const Json& choice = whole["choices"][0];
  EXPECT_EQ(choice["message"]["role"], "assistant");
  EXPECT_TRUE(choice["message"]["content"].is_string());
  EXPECT_EQ(choice["logprobs"]["content"].size(), 6u);
  EXPECT_EQ(choice["logprobs"]["content"][0]["top_logprobs"].size(), 2u);
}

TEST_F(ApiServerTest, ChoicesDifferAndRepeatWithTheirSeeds) {
  const Json body = {{"prompt", {"One", "Two"}}, {"max_tokens", 8}, {"n", 2}, {"seed", 5}, {"ignore_eos", true}};
  const Json first = complete(body);
  ASSERT_EQ(first["choices"].size(), 4u);
  EXPECT_EQ(first["usage"]["prompt_tokens"], 6);
  EXPECT_EQ(first["usage"]["completion_tokens"], 32);
  std::set<std::string> texts;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(first["choices"][i]["index"], i);
    texts.insert(first["choices"][i]["text"]);
  }
  EXPECT_EQ(texts.size(), 4u);
  EXPECT_EQ(complete(body)["choices"], first["choices"]);
  const Json alone = {{"prompt", "One"}, {"max_tokens", 8}, {"seed", 5}, {"ignore_eos", true}};
  EXPECT_EQ(complete(alone)["choices"][0]["text"], first["choices"][0]["text"]);
}

TEST_F(ApiServerTest, EchoPutsThePromptInFront) {
  Json body = letters("Once", 3);
  const std::string text = complete(body)["choices"][0]["text"];
  body["echo"] = true;
  EXPECT_EQ(complete(body)["choices"][0]["text"], "Once" + text);
  body["prompt"] = {'O', 'n', 'c', 'e'};
  EXPECT_EQ(complete(body)["choices"][0]["text"], "Once" + text);
}

TEST_F(ApiServerTest, AVanishedClientFreesItsPages) {
  Json body = chat("Hi", 1500);
  body["stream"] = true;
  body["n"] = 3;
  const auto exchange = send(http_request("POST", "/v1/chat/completions", dump_json(body)));
  exchange->wait_bytes(1);
  EXPECT_EQ(engine_->stats().n_cancelled, 0);
  exchange->disconnect();
  while (engine_->stats().n_cancelled < 3) std::this_thread::yield();
  EXPECT_EQ(engine_->stats().n_pages_free, engine_->stats().n_pages_total);
}

TEST_F(ApiServerTest, ErrorsHaveOpenAisShape) {
  const HttpResponse wrong = post("/v1/chat/completions", {{"messages", 3}});
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(error_of(wrong), (Json{{"message", "messages: wanted an array, found 3"},
                                   {"type", "invalid_request_error"},
                                   {"param", "messages"},
                                   {"code", nullptr}}));
  const Json role = error_of(post("/v1/chat/completions", {{"messages", {{{"role", "robot"}, {"content", ""}}}}}));
  EXPECT_EQ(role["param"], "messages[0].role");
  EXPECT_EQ(error_of(post("/v1/completions", {{"prompt", ""}}))["param"], "prompt");
  EXPECT_EQ(error_of(ask(http_request("POST", "/v1/completions", "{")))["param"], "body");
  EXPECT_EQ(error_of(post("/v1/completions", {{"prompt", "a"}, {"temperature", -1}}))["param"], "temperature");
  Json unsupported = chat("a", 1);
  unsupported["response_format"] = {{"type", "json_object"}};
  EXPECT_EQ(error_of(post("/v1/chat/completions", unsupported))["code"], "unsupported");
}

TEST_F(ApiServerTest, SaysWhenTheContextIsTooSmall) {
  const HttpResponse response = post("/v1/completions", {{"prompt", "a"}, {"max_tokens", 2000}});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(error_of(response)["code"], "context_length_exceeded");
  const Json long_chat = {{"messages", {{{"role", "user"}, {"content", std::string(2000, 'x')}}}}};
  EXPECT_EQ(error_of(post("/v1/chat/completions", long_chat))["code"], "context_length_exceeded");
}

TEST_F(ApiServerTest, UnknownModelsPathsAndMethods) {
  Json body = letters("a", 1);
  body["model"] = "gpt-4";
  const HttpResponse model = post("/v1/completions", body);
  EXPECT_EQ(model.status, 404);
  EXPECT_EQ(error_of(model)["code"], "model_not_found");
  EXPECT_EQ(error_of(model)["param"], "model");
  body["model"] = "other";
  EXPECT_EQ(complete(body)["model"], "other");
  EXPECT_EQ(ask(http_request("GET", "/v2")).status, 404);
  const HttpResponse method = ask(http_request("GET", "/v1/completions"));
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(*find_header(method.headers, "allow"), "POST");
}

TEST_F(ApiServerTest, IgnoredFieldsAreNamedInAHeader) {
  Json body = letters("a", 1);
  body["zebra"] = 1;
  body["bad\r\nname"] = 1;
  const HttpResponse response = post("/v1/completions", body);
  EXPECT_EQ(*find_header(response.headers, "x-drawbridge-ignored-fields"), "zebra, ?");
}

TEST_F(ApiServerTest, EveryAnswerCarriesAnId) {
  const HttpResponse ours = ask(http_request("GET", "/health"));
  EXPECT_EQ(find_header(ours.headers, "x-request-id")->size(), 16u);
  const auto id = [&](const std::string& given) {
    return *find_header(ask(http_request("GET", "/v2", "", {{"x-request-id", given}})).headers, "x-request-id");
  };
  EXPECT_EQ(id("client-7.a"), "client-7.a");
  EXPECT_NE(id("a b"), "a b");
}

TEST_F(ApiServerTest, ModelsAreListedAndShown) {
  const Json list = parse_json(ask(http_request("GET", "/v1/models")).body, "response").value();
  ASSERT_EQ(list["data"].size(), 2u);
  EXPECT_EQ(list["data"][0]["id"], "tiny");
  EXPECT_EQ(list["data"][0]["max_model_len"], 2000);
  EXPECT_EQ(parse_json(ask(http_request("GET", "/v1/models/%74iny")).body, "response").value(), list["data"][0]);
  EXPECT_EQ(ask(http_request("GET", "/v1/models/none")).status, 404);
}

TEST_F(ApiServerTest, TokenizeAndBack) {
  const Json tokens =
      parse_json(post("/tokenize", {{"prompt", "Hi\u00e9"}, {"return_token_strs", true}}).body, "response").value();
  EXPECT_EQ(tokens, (Json{{"count", 4},
                          {"max_model_len", 2000},
                          {"tokens", {'H', 'i', 0xc3, 0xa9}},
                          {"token_strs", {"H", "i", "bytes:\\xc3", "bytes:\\xa9"}}}));
  const Json text = parse_json(post("/detokenize", {{"tokens", tokens["tokens"]}}).body, "response").value();
  EXPECT_EQ(text, (Json{{"prompt", "Hi\u00e9"}}));
}

TEST_F(ApiServerTest, MetricsAndPage) {
  complete(letters("a", 3));
  const HttpResponse metrics = ask(http_request("GET", "/metrics"));
  EXPECT_NE(metrics.body.find("\nvllm:request_generation_tokens_sum{model_name=\"tiny\"} 3\n"), std::string::npos);
  EXPECT_NE(metrics.body.find("drawbridge:model_notice_info{model_name=\"tiny\",notice=\""), std::string::npos);
  const HttpResponse page = ask(http_request("GET", "/"));
  EXPECT_TRUE(page.content_type.starts_with("text/html"));
  EXPECT_NE(page.body.find("/v1/chat/completions"), std::string::npos);
  EXPECT_EQ(page.body.find("http://"), std::string::npos);
  EXPECT_EQ(page.body.find("https://"), std::string::npos);
}

TEST_F(ApiServerTest, DrainLetsRunningAnswersEnd) {
  const auto running = send(http_request("POST", "/v1/completions", dump_json(letters("a", 200))));
  api_->drain(std::chrono::minutes(5));
  EXPECT_EQ(running->wait().status, 200);
  EXPECT_EQ(ask(http_request("GET", "/health")).status, 503);
  const HttpResponse late = post("/v1/completions", letters("a", 1));
  EXPECT_EQ(late.status, 503);
  EXPECT_EQ(error_of(late)["code"], "draining");
  EXPECT_NE(find_header(late.headers, "retry-after"), nullptr);
}

TEST_F(ApiServerTest, WhatOutlivesTheGraceEndsWithAnError) {
  Json body = letters("a", 1900);
  const auto whole = send(http_request("POST", "/v1/completions", dump_json(body)));
  body["stream"] = true;
  const auto stream = send(http_request("POST", "/v1/completions", dump_json(body)));
  stream->wait_bytes(1);
  api_->drain(std::chrono::milliseconds(0));
  EXPECT_EQ(whole->wait().status, 503);
  EXPECT_EQ(events_of(stream->wait().body).back()["error"]["code"], "unavailable");
  while (engine_->stats().n_cancelled < 2) std::this_thread::yield();
  EXPECT_EQ(engine_->stats().n_pages_free, engine_->stats().n_pages_total);
}

TEST_F(ApiServerTest, EndingWithOpenAnswersIsSafe) {
  const auto open = send(http_request("POST", "/v1/completions", dump_json(letters("a", 1900))));
  api_.reset();
  EXPECT_EQ(open->wait().status, 503);
}

class FullQueueTest : public ApiServerTest {
 protected:
  static EngineOptions narrow() {
    EngineOptions options = roomy();
    options.max_running = 1;
    options.max_waiting = 1;
    return options;
  }
  FullQueueTest() : ApiServerTest(narrow()) {}
};

TEST_F(FullQueueTest, TakesAllChoicesOrNone) {
  Json body = letters("a", 1000);
  body["n"] = 3;
  const HttpResponse refused = post("/v1/completions", body);
  ASSERT_EQ(refused.status, 429);
  EXPECT_EQ(error_of(refused)["type"], "rate_limit_exceeded");
  EXPECT_EQ(*find_header(refused.headers, "retry-after"), "1");
  const auto n_ended = [&] {
    const EngineStats stats = engine_->stats();
    return stats.n_cancelled + stats.n_finished_length + stats.n_failed;
  };
  while (n_ended() < 2) std::this_thread::yield();  // on a busy machine one may end before it is cancelled
  EXPECT_EQ(complete(letters("a", 1))["choices"].size(), 1u);
}

class KeyedApiServerTest : public ApiServerTest {
 protected:
  KeyedApiServerTest() : ApiServerTest(roomy(), keyed()) {}

  static ApiOptions keyed() {
    ApiOptions options;
    options.model_names = {"tiny"};
    options.keys = Keyring::load({{"secret"}, "", ""}).value();
    options.cors_origin = "https://a.page";
    return options;
  }
};

TEST_F(KeyedApiServerTest, OnlyHealthAndThePageAreEverybodys) {
  for (const char* path : {"/health", "/health/live", "/health/ready", "/"}) {
    EXPECT_EQ(ask(http_request("GET", path)).status, 200) << path;
  }
  for (const char* path : {"/v1/models", "/v1/models/tiny", "/metrics"}) {
    EXPECT_EQ(ask(http_request("GET", path)).status, 401) << path;
    EXPECT_EQ(ask(http_request("GET", path, "", {{"authorization", "Bearer secret"}})).status, 200) << path;
  }
  for (const char* path : {"/v1/chat/completions", "/v1/completions", "/tokenize", "/detokenize"}) {
    const HttpResponse refused = ask(http_request("POST", path, "{}"));
    EXPECT_EQ(refused.status, 401) << path;
    EXPECT_EQ(error_of(refused)["code"], "invalid_api_key");
    EXPECT_EQ(ask(http_request("POST", path, "{}", {{"x-api-key", "secret"}})).status, 400) << path;
  }
}

TEST_F(KeyedApiServerTest, TellsBrowsersWhosePagesMayCall) {
  const HttpResponse preflight = ask(http_request("OPTIONS", "/v1/chat/completions"));
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(*find_header(preflight.headers, "access-control-allow-origin"), "https://a.page");
  EXPECT_NE(find_header(preflight.headers, "access-control-allow-headers"), nullptr);
  const HttpResponse refused = ask(http_request("GET", "/v1/models"));
  EXPECT_EQ(*find_header(refused.headers, "access-control-allow-origin"), "https://a.page");
}

TEST_F(ApiServerTest, TellsBrowsersNothingUnlessAsked) {
  const HttpResponse preflight = ask(http_request("OPTIONS", "/v1/chat/completions"));
  EXPECT_EQ(preflight.status, 405);
  EXPECT_EQ(find_header(preflight.headers, "access-control-allow-origin"), nullptr);
  EXPECT_EQ(find_header(ask(http_request("GET", "/v1/models")).headers, "access-control-allow-origin"), nullptr);
}

TEST_F(ApiServerTest, LivesButIsNotReadyWhileDraining) {
  api_->drain(std::chrono::seconds(1));
  EXPECT_EQ(ask(http_request("GET", "/health/live")).status, 200);
  EXPECT_EQ(ask(http_request("GET", "/health/ready")).status, 503);
}

}  // namespace
}  // namespace drawbridge
