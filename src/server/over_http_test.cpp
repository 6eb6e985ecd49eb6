// The whole of `drawbridge serve` but its signals: client, network, routes, engine.
#include <gtest/gtest.h>

#include <thread>

#include "engine/tiny_engine_test.h"
#include "http/client.h"
#include "http/server.h"
#include "server/api_server.h"

namespace drawbridge {
namespace {

class OverHttpTest : public testing::Test {
 protected:
  OverHttpTest() {
    EngineOptions options = tiny_options();
    options.max_context = 2000;
    engine_ = start_engine(options);
    api_ = std::make_unique<ApiServer>(*engine_, ApiOptions{{"tiny"}, Keyring::load({{"secret"}, "", ""}).value()});
    auto started = HttpServer::start({}, [this](std::shared_ptr<Exchange> exchange) { api_->handle(exchange); });
    DB_CHECK(started.ok());
    http_ = std::move(started).value();
  }
  ~OverHttpTest() override { http_->stop(std::chrono::milliseconds(0)); }

  Result<HttpClientResponse> post(const std::string& path, const Json& body, const OnEvent& on_event = {}) {
    HttpClientRequest request;
    request.method = "POST";
    request.headers = {{"authorization", "Bearer secret"}};
    request.body = dump_json(body);
    return http_request({"127.0.0.1", http_->port(), path}, request, on_event);
  }

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<HttpServer> http_;
};

Json chat(int max_tokens) {
  return {{"messages", {{{"role", "user"}, {"content", "Hi"}}}},
          {"max_tokens", max_tokens},
          {"ignore_eos", true},
          {"stream", true},
          {"temperature", 0}};
}

TEST_F(OverHttpTest, StreamsAChatToItsEnd) {
  std::vector<std::string> events;
  const auto response = post("/v1/chat/completions", chat(5), [&](const SseEvent& event) {
    events.push_back(event.data);
    return true;
  });
  ASSERT_TRUE(response.ok()) << response.status().message();
  EXPECT_EQ(response->status, 200);
  EXPECT_NE(response->header("x-request-id"), nullptr);
  ASSERT_GE(events.size(), 3u);
  EXPECT_EQ(events.back(), "[DONE]");
  const Json first = parse_json(events.front(), "event").value();
  EXPECT_EQ(first["choices"][0]["delta"]["role"], "assistant");
}

TEST_F(OverHttpTest, AClosedConnectionFreesThePages) {
  const auto response = post("/v1/chat/completions", chat(1800), [](const SseEvent&) { return false; });
  ASSERT_TRUE(response.ok()) << response.status().message();
  while (engine_->stats().n_cancelled < 1) std::this_thread::yield();
  EXPECT_EQ(engine_->stats().n_pages_free, engine_->stats().n_pages_total);
}

TEST_F(OverHttpTest, AnswersErrorsAndKeepsServing) {
  EXPECT_EQ(post("/v1/chat/completions", Json::object())->status, 400);
  EXPECT_EQ(post("/nowhere", Json::object())->status, 404);
  const auto tokens = post("/tokenize", {{"prompt", "Hi"}});
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(parse_json(tokens->body, "body").value()["count"], 2);
}

}  // namespace
}  // namespace drawbridge
