// An Exchange without a network: keeps what was answered, and can lose its client.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "http/exchange.h"

namespace drawbridge {

inline HttpRequest http_request(const std::string& method, const std::string& path, const std::string& body = "",
                                HttpHeaders headers = {}) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.body = body;
  request.headers = std::move(headers);
  return request;
}

class FakeExchange : public Exchange {
 public:
  explicit FakeExchange(HttpRequest request) : request_(std::move(request)) {}

  const HttpRequest& request() const override { return request_; }
  void respond(HttpResponse response) override { set(std::move(response), true); }
  void start_stream(HttpResponse head) override { set(std::move(head), false); }
  void write(std::string bytes) override {
    const std::lock_guard lock(mutex_);
    DB_CHECK(started_ && !ended_);
    response_.body += bytes;
    changed_.notify_all();
  }
  void end_stream() override {
    const std::lock_guard lock(mutex_);
    DB_CHECK(started_ && !ended_);
    ended_ = true;
    changed_.notify_all();
  }
  void on_disconnect(std::function<void()> callback) override {
    std::unique_lock lock(mutex_);
    callback_ = std::move(callback);
    changed_.notify_all();
  }

  /// The client goes away, as soon as somebody wants to know.
  void disconnect() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return callback_ != nullptr; });
    const auto callback = callback_;
    lock.unlock();
    callback();
  }
  /// Waits until `n` bytes of the body are there.
  void wait_bytes(size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return response_.body.size() >= n; });
  }
  /// Waits for the end; the body of a stream is all that was written.
  HttpResponse wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_; });
    return response_;
  }

 private:
  void set(HttpResponse response, bool whole) {
    const std::lock_guard lock(mutex_);
    DB_CHECK(!started_);
    response_ = std::move(response);
    started_ = true;
    ended_ = whole;
    changed_.notify_all();
  }

  const HttpRequest request_;
  std::mutex mutex_;
  std::condition_variable changed_;
  HttpResponse response_;
  bool started_ = false;
  bool ended_ = false;
  std::function<void()> callback_;
};

/// The JSON of each `data:` event of a stream; checks that [DONE] is the last, unless the stream ended in an error.
inline std::vector<Json> events_of(const std::string& stream) {
  std::vector<Json> events;
  bool done = false;
  for (size_t at = 0; at < stream.size();) {
    const size_t end = stream.find("\n\n", at);
    DB_CHECK(end != std::string::npos && !done);
    const std::string event = stream.substr(at, end - at);
    at = end + 2;
    if (event.starts_with(":")) continue;
    DB_CHECK(event.starts_with("data: "));
    done = event == "data: [DONE]";
    if (!done) events.push_back(parse_json(event.substr(6), "event").value());
  }
  DB_CHECK(done || (!events.empty() && events.back().contains("error")));
  return events;
}

}  // namespace drawbridge
