// ConnectionExchange: the calls of an Exchange turned into bytes in the outbox of its connection.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "http/exchange.h"
#include "http/outbox.h"

namespace drawbridge {

/// What the request's own header says about the form of the answer.
struct AnswerForm {
  bool keep_alive = true;
  bool chunked = true;    // false for HTTP/1.0: a stream ends with the connection
  bool with_body = true;  // false for HEAD
};

class ConnectionExchange : public Exchange {
 public:
  ConnectionExchange(HttpRequest request, AnswerForm form, std::shared_ptr<Outbox> outbox)
      : request_(std::move(request)), form_(form), outbox_(std::move(outbox)) {}
  ~ConnectionExchange() override;

  const HttpRequest& request() const override { return request_; }
  void respond(HttpResponse response) override;
  void start_stream(HttpResponse head) override;
  void write(std::string bytes) override;
  void end_stream() override;
  void on_disconnect(std::function<void()> callback) override { outbox_->on_gone(std::move(callback)); }

 private:
  enum class State { kFresh, kStreaming, kEnded };

  const HttpRequest request_;
  const AnswerForm form_;
  const std::shared_ptr<Outbox> outbox_;
  std::mutex mutex_;  // keeps the order of calls
  State state_ = State::kFresh;
};

}  // namespace drawbridge
