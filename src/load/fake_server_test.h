// For tests: an OpenAI-compatible server whose answers the test decides.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/json_path.h"
#include "http/server.h"
#include "http/sse.h"

namespace drawbridge {

/// The events of a chat answer of `n_words` words "w", its usage and its end.
inline std::string chat_stream(int n_words, int64_t n_prompt = 10) {
  std::string text;
  const auto chunk = [](const char* delta, const char* finish) {
    return format_sse(fmt::format(R"({{"choices":[{{"index":0,"delta":{},"finish_reason":{}}}]}})", delta, finish));
  };
  text += chunk(R"({"role":"assistant","content":""})", "null");
  for (int i = 0; i < n_words; ++i) text += chunk(R"({"content":"w "})", "null");
  text += chunk("{}", R"("length")");
  text += format_sse(
      fmt::format(R"({{"choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}})", n_prompt, n_words));
  return text + format_sse("[DONE]");
}

/// Answers POST requests by a function that is given each body in turn, and remembers the bodies.
class FakeServer {
 public:
  using Answer = std::function<void(const std::shared_ptr<Exchange>& exchange, const Json& body, int number)>;

  explicit FakeServer(Answer answer) : answer_(std::move(answer)) {
    auto started = HttpServer::start({.n_threads = 1, .max_connections = 4096},
                                     [this](const std::shared_ptr<Exchange>& exchange) { take(exchange); });
    DB_CHECK(started.ok());
    server_ = std::move(*started);
  }

  Url url() const { return {"127.0.0.1", server_->port(), "/v1/chat/completions"}; }
  std::string base() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }
  std::vector<Json> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  void take(const std::shared_ptr<Exchange>& exchange) {
    const auto body = parse_json(exchange->request().body, "body");
    int number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = static_cast<int>(bodies_.size());
      bodies_.push_back(body.ok() ? *body : Json());
    }
    answer_(exchange, body.ok() ? *body : Json(), number);
  }

  const Answer answer_;
  mutable std::mutex mutex_;
  std::vector<Json> bodies_;
  std::unique_ptr<HttpServer> server_;  // last: its threads use the above
};

inline void answer_stream(const std::shared_ptr<Exchange>& exchange, std::string events) {
  HttpResponse head;
  head.content_type = "text/event-stream";
  exchange->start_stream(std::move(head));
  exchange->write(std::move(events));
  exchange->end_stream();
}

}  // namespace drawbridge
