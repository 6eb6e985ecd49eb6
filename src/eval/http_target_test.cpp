#include "eval/http_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "http/server.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

constexpr const char* kChatAnswer =
    R"({"choices":[{"message":{"role":"assistant","content":"4","reasoning_content":"2+2"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":9,"completion_tokens":2}})";

/// A server that gives out its answers one after the other, then 404, and remembers what it was asked.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::deque<HttpResponse> answers) : answers_(std::move(answers)) {
    server_ = HttpServer::start({}, [this](std::shared_ptr<Exchange> exchange) { answer(*exchange); }).value();
  }

  std::string url(const std::string& path = "") const {
    return fmt::format("http://127.0.0.1:{}{}", server_->port(), path);
  }
  std::vector<HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void answer(Exchange& exchange) {
    HttpResponse next;
    next.status = 404;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(exchange.request());
      if (!answers_.empty()) {
        next = std::move(answers_.front());
        answers_.pop_front();
      }
    }
    exchange.respond(std::move(next));
  }

  mutable std::mutex mutex_;
  std::deque<HttpResponse> answers_;
  std::vector<HttpRequest> requests_;
  std::unique_ptr<HttpServer> server_;
};

HttpResponse response(int status, const std::string& body) {
  HttpResponse made;
  made.status = status;
  made.body = body;
  return made;
}

std::unique_ptr<HttpTarget> target_of(const ScriptedServer& server, const std::string& model = "m") {
  HttpTargetOptions options;
  options.url = server.url();
  options.model = model;
  options.api_key = "secret";
  options.n_retries = 2;
  options.retry_pause = std::chrono::milliseconds(1);
  return HttpTarget::create(options).value();
}

ChatCall question() {
  ChatCall call;
  call.messages = Json::array({{{"role", "user"}, {"content", "2+2?"}}});
  call.seed = 5;
  return call;
}

TEST(HttpTarget, AsksChatsAndReadsTheAnswer) {
  ScriptedServer server({response(200, kChatAnswer)});
  const auto reply = target_of(server)->chat(question());
  ASSERT_TRUE(reply.ok()) << reply.status().message();
  EXPECT_EQ(reply->text, "4");
  EXPECT_EQ(reply->reasoning, "2+2");
  EXPECT_FALSE(reply->truncated);
  EXPECT_EQ(reply->n_prompt, 9);
  EXPECT_EQ(reply->n_completion, 2);
  const HttpRequest asked = server.requests().at(0);
  EXPECT_EQ(asked.method + " " + asked.path, "POST /v1/chat/completions");
  EXPECT_EQ(*asked.header("authorization"), "Bearer secret");
  const Json body = parse_json(asked.body, "body").value();
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["seed"], 5);
  EXPECT_EQ(body["chat_template_kwargs"]["enable_thinking"], false);
  EXPECT_FALSE(body.contains("stop")) << "an empty list is refused by some servers";
}

TEST(HttpTarget, ContinuesAPromptWhereThereAreNoMessages) {
  ScriptedServer server({response(200, R"({"choices":[{"text":" 4","finish_reason":"length"}]})")});
  ChatCall call;
  call.prompt = "2+2=";
  call.stop = {"\n"};
  const auto reply = target_of(server)->chat(call);
  ASSERT_TRUE(reply.ok()) << reply.status().message();
  EXPECT_EQ(reply->text, " 4");
  EXPECT_TRUE(reply->truncated);
  EXPECT_EQ(reply->n_prompt, 0);
  EXPECT_EQ(server.requests().at(0).path, "/v1/completions");
  const Json body = parse_json(server.requests().at(0).body, "body").value();
  EXPECT_EQ(body["prompt"], "2+2=");
  EXPECT_EQ(body["stop"], Json::array({"\n"}));
  EXPECT_FALSE(body.contains("messages"));
}

TEST(HttpTarget, TakesTheFirstModelThatTheServerLists) {
  ScriptedServer server({response(200, R"({"data":[{"id":"nano"},{"id":"other"}]})"), response(200, "{}")});
  EXPECT_EQ(target_of(server, "")->manifest()["model"], "nano");
  HttpTargetOptions options;
  options.url = server.url("/v1/");
  EXPECT_THAT(HttpTarget::create(options).status().message(), HasSubstr("/v1/models: wanted a model in data[0].id"));
  EXPECT_EQ(server.requests().at(1).path, "/v1/models");
}

TEST(HttpTarget, TriesAgainWhenTheServerSaysLaterAndCountsIt) {
  ScriptedServer server({response(429, "{}"), response(503, ""), response(200, kChatAnswer)});
  const auto target = target_of(server);
  const auto reply = target->chat(question());
  ASSERT_TRUE(reply.ok()) << reply.status().message();
  EXPECT_EQ(target->n_retries(), 2);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST(HttpTarget, GivesUpAfterItsRetriesAndDoesNotRepeatARefusal) {
  ScriptedServer busy({response(500, ""), response(500, ""), response(500, R"({"error":{"message":"worn out"}})")});
  const auto target = target_of(busy);
  EXPECT_THAT(target->chat(question()).status().message(), HasSubstr("HTTP 500: worn out"));
  EXPECT_EQ(busy.requests().size(), 3u);
  EXPECT_THAT(target->chat(question()).status().message(), HasSubstr("HTTP 404"));
  EXPECT_EQ(busy.requests().size(), 4u);
}

TEST(HttpTarget, AnErrorOfAnotherShapeIsShownAsItCame) {
  ScriptedServer server({response(400, R"({"error":["bad"]})"), response(200, R"({"data":{"id":"nano"}})"),
                         response(400, R"({"error":{"message":")" + std::string(5000, 'x') + R"("}})")});
  EXPECT_THAT(target_of(server)->chat(question()).status().message(), HasSubstr(R"(HTTP 400: {"error":["bad"]})"));
  HttpTargetOptions options;
  options.url = server.url();
  EXPECT_THAT(HttpTarget::create(options).status().message(), HasSubstr("wanted a model in data[0].id"));
  EXPECT_LT(target_of(server)->chat(question()).status().message().size(), 400u);
}

TEST(HttpTarget, AStopCancelsWhatHasNoAnswer) {
  ScriptedServer server({response(500, ""), response(200, kChatAnswer), response(400, "shutting down")});
  HttpTargetOptions options;
  options.url = server.url();
  options.model = "m";
  options.retry_pause = std::chrono::hours(1);
  options.should_stop = [&] { return !server.requests().empty(); };
  EXPECT_EQ(HttpTarget::create(options).value()->chat(question()).status().code(), Code::kCancelled) << "in the pause";
  EXPECT_EQ(HttpTarget::create(options).value()->chat(question()).status().code(), Code::kCancelled);
  EXPECT_EQ(server.requests().size(), 1u) << "the second was not sent";
  options.should_stop = [&] { return server.requests().size() >= 2; };
  EXPECT_TRUE(HttpTarget::create(options).value()->chat(question()).ok()) << "an answer is kept";
  options.should_stop = [&] { return server.requests().size() >= 3; };
  EXPECT_EQ(HttpTarget::create(options).value()->chat(question()).status().code(), Code::kCancelled);
}

TEST(HttpTarget, RefusesAnswersThatAreNone) {
  const auto refusal = [](const std::string& text) {
    const auto reply = parse_reply(parse_json(text, "s").value(), true, "s");
    return reply.ok() ? "accepted" : reply.status().message();
  };
  EXPECT_THAT(refusal("{}"), HasSubstr("s: member \"choices\" is missing"));
  EXPECT_THAT(refusal(R"({"choices":null})"), HasSubstr("wanted an array"));
  EXPECT_THAT(refusal(R"({"choices":[]})"), HasSubstr("wanted one, found none"));
  EXPECT_THAT(refusal(R"({"choices":[1]})"), HasSubstr("choices[0]: wanted a JSON object"));
  EXPECT_THAT(refusal(R"({"choices":[{"message":{"content":3},"finish_reason":"stop"}]})"),
              HasSubstr("wanted a string"));
  EXPECT_THAT(refusal(R"({"choices":[{"message":{},"finish_reason":null}]})"),
              HasSubstr("wanted a string, found null"));
  EXPECT_THAT(refusal(R"({"choices":[{"message":{},"finish_reason":"error"}]})"), HasSubstr("found error"));
}

TEST(HttpTarget, KeepsToolCallsAndNullContent) {
  const Json answer =
      parse_json(
          R"({"choices":[{"message":{"content":null,"reasoning":"r","tool_calls":[{"id":"c"}]},"finish_reason":"tool_calls"}]})",
          "s")
          .value();
  const auto reply = parse_reply(answer, true, "s");
  ASSERT_TRUE(reply.ok()) << reply.status().message();
  EXPECT_EQ(reply->text, "");
  EXPECT_EQ(reply->reasoning, "r");
  EXPECT_EQ(reply->tool_calls[0]["id"], "c");
}

TEST(HttpTarget, SaysThatItSpeaksNoTls) {
  HttpTargetOptions options;
  options.url = "https://example.com";
  EXPECT_THAT(HttpTarget::create(options).status().message(), HasSubstr("speaks no TLS"));
}

}  // namespace
}  // namespace drawbridge
