#include "http/connection_exchange.h"

#include "base/check.h"
#include "base/log.h"
#include "http/response_format.h"

namespace drawbridge {

ConnectionExchange::~ConnectionExchange() {
  if (state_ == State::kEnded || outbox_->closed()) return;
  spdlog::error("http dropped unanswered method={} path={} peer={}", request_.method, request_.path, request_.peer);
  if (state_ == State::kStreaming) {
    outbox_->abort();
  } else {
    respond(error_response(500, "the request was dropped unanswered"));
  }
}

void ConnectionExchange::respond(HttpResponse response) {
  const std::lock_guard lock(mutex_);
  DB_CHECK(state_ == State::kFresh);
  state_ = State::kEnded;
  outbox_->push(format_response(response, form_.keep_alive, form_.with_body), Outbox::Bound::kUnbounded);
  outbox_->finish();
}

void ConnectionExchange::start_stream(HttpResponse head) {
  const std::lock_guard lock(mutex_);
  DB_CHECK(state_ == State::kFresh);
  state_ = State::kStreaming;
  const BodyFraming framing = form_.chunked ? BodyFraming::kChunked : BodyFraming::kClose;
  outbox_->push(format_head(head, framing, form_.keep_alive), Outbox::Bound::kBounded);
}

void ConnectionExchange::write(std::string bytes) {
  const std::lock_guard lock(mutex_);
  DB_CHECK(state_ == State::kStreaming);
  if (!form_.with_body) return;
  outbox_->push(form_.chunked ? format_chunk(bytes) : bytes, Outbox::Bound::kBounded);
}

void ConnectionExchange::end_stream() {
  const std::lock_guard lock(mutex_);
  DB_CHECK(state_ == State::kStreaming);
  state_ = State::kEnded;
  if (form_.with_body && form_.chunked) outbox_->push(kLastChunk, Outbox::Bound::kUnbounded);
  outbox_->finish();
}

}  // namespace drawbridge
