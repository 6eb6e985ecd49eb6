#include "http/connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <utility>

#include "base/log.h"
#include "http/response_format.h"
#include "http/tcp_endpoint.h"

namespace drawbridge {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLinger{2000};

/// address:port, or "local".
std::string peer_name(const StreamSocket& socket) {
  boost::system::error_code code;
  const auto peer = socket.remote_endpoint(code);
  if (code) return "";
  const auto tcp = tcp_endpoint(peer);
  return tcp ? fmt::format("{}:{}", tcp->address().to_string(), tcp->port()) : "local";
}

/// Closes an outbox however its answer ends.
class OutboxCloser {
 public:
  explicit OutboxCloser(Outbox& outbox) : outbox_(outbox) {}
  ~OutboxCloser() { outbox_.close(!delivered_); }
  OutboxCloser(const OutboxCloser&) = delete;
  OutboxCloser& operator=(const OutboxCloser&) = delete;
  void set_delivered() { delivered_ = true; }

 private:
  Outbox& outbox_;
  bool delivered_ = false;
};

}  // namespace

Connection::Connection(StreamSocket socket, ServerContext& context)
    : socket_(std::move(socket)), context_(context), peer_(peer_name(socket_)), changed_(socket_.get_executor()) {
  boost::system::error_code ignored;  // of a peer that has left by now; the first read will say so
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
}

void Connection::start() {
  run(serve());
}

void Connection::start_refusing(HttpResponse response) {
  run(refuse(std::move(response)));
}

void Connection::run(Awaitable<void> work) {
  entry_.emplace(context_.table, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->post_close();
  });
  const auto ended = [self = shared_from_this()](const std::exception_ptr& thrown) {
    self->close();
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      spdlog::error("http connection failed peer={} error=\"{}\"", self->peer_, error.what());
    }
  };
  asio::co_spawn(socket_.get_executor(), std::move(work), ended);
}

asio::awaitable<void> Connection::serve() {
  for (bool open = true; open && !context_.table.draining();) {
    RequestParser parser({context_.options.max_header_bytes, context_.options.max_body_bytes});
    open = co_await read_request(parser);
    if (open) open = co_await answer(parser);
  }
  co_await linger();
}

asio::awaitable<void> Connection::refuse(HttpResponse response) {
  const std::string bytes = format_response(response, false);
  co_await send(bytes);
  co_await linger();
}

/// False: the connection is to end.
asio::awaitable<bool> Connection::read_request(RequestParser& parser) {
  bool going = co_await wait_for_input(context_.options.idle_timeout);
  if (going) going = co_await read_part(parser, false);
  if (going && parser.wants_continue()) going = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
  if (going) going = co_await read_part(parser, true);
  co_return going;
}

asio::awaitable<bool> Connection::wait_for_input(std::chrono::milliseconds limit) {
  const Time deadline = Clock::now() + limit;
  bool in_time = true;
  while (input_.empty() && !closed_ && in_time) {
    read_more();
    in_time = co_await wait_for_change(deadline);
  }
  co_return !input_.empty();
}

/// Reads the header, or also the body, in time. False: the peer is gone, or has been told what is wrong.
asio::awaitable<bool> Connection::read_part(RequestParser& parser, bool with_body) {
  const Time deadline = Clock::now() + context_.options.read_timeout;
  std::optional<RequestError> error;
  for (;;) {
    input_.erase(0, parser.feed(input_));
    error = parser.error();
    if (error || parser.done() || (!with_body && parser.header_done())) break;
    if (closed_) co_return false;
    read_more();
    const bool in_time = co_await wait_for_change(deadline);
    if (!in_time) {
      error = RequestError{408, "the request was not complete in time"};
      break;
    }
  }
  if (!error) co_return true;
  spdlog::debug("http refused status={} peer={} reason=\"{}\"", error->status, peer_, error->message);
  const std::string bytes = format_response(error_response(error->status, error->message), false);
  co_await send(bytes);
  co_return false;
}

/// True: delivered, and the connection may serve another request.
asio::awaitable<bool> Connection::answer(RequestParser& parser) {
  const ConnectionTable::Answering in_hand(context_.table);
  HttpRequest request = parser.take();
  request.peer = peer_;
  const bool keep_alive = parser.keep_alive() && !parser.http_1_0() && !context_.table.draining();
  const AnswerForm form{keep_alive, !parser.http_1_0(), request.method != "HEAD"};
  const auto outbox = std::make_shared<Outbox>(context_.options.max_buffered_bytes,
                                               Outbox::Signals{[this] { post_change(); }, [this] { post_close(); }});
  OutboxCloser closer(*outbox);
  answering_ = true;
  read_more();
  call_handler(std::make_shared<ConnectionExchange>(std::move(request), form, outbox));
  const bool delivered = co_await send_output(*outbox);
  if (delivered) {
    closer.set_delivered();
  } else {
    close();
  }
  answering_ = false;
  co_return delivered&& keep_alive;
}

/// A handler that throws has dropped the exchange, which answers it.
void Connection::call_handler(std::shared_ptr<Exchange> exchange) {
  try {
    context_.handler(std::move(exchange));
  } catch (const std::exception& error) {
    spdlog::error("http handler failed peer={} error=\"{}\"", peer_, error.what());
  }
}

/// True: all of it has been sent.
asio::awaitable<bool> Connection::send_output(Outbox& outbox) {
  std::string bytes;
  for (;;) {
    const Outbox::State state = outbox.take(bytes);
    if (state == Outbox::State::kFinished) co_return true;
    if (closed_) co_return false;
    if (state == Outbox::State::kBytes) {
      const bool sent = co_await send(bytes);
      if (!sent) co_return false;
    } else {
      co_await wait_for_change(Time::max());
    }
  }
}

/// False: the peer is gone, or reads nothing.
asio::awaitable<bool> Connection::send(std::string_view bytes) {
  Time deadline = Clock::now() + context_.options.write_timeout;
  bool in_time = true;
  while (!bytes.empty() && !closed_ && in_time) {
    boost::system::error_code code;
    const size_t n = socket_.write_some(asio::buffer(bytes), code);
    bytes.remove_prefix(n);
    if (code == asio::error::would_block) {
      watch_for_room();
      in_time = co_await wait_for_change(deadline);
    } else if (code) {
      break;
    } else {
      deadline = Clock::now() + context_.options.write_timeout;
    }
  }
  co_return bytes.empty();
}

/// Closing over unread input resets the connection and can destroy an answer on its way; so says that we are done and
/// waits a little for the peer to be done as well.
asio::awaitable<void> Connection::linger() {
  boost::system::error_code ignored;
  socket_.shutdown(StreamSocket::shutdown_send, ignored);
  const Time deadline = Clock::now() + kLinger;
  bool in_time = true;
  while (!closed_ && in_time) {
    input_.clear();
    read_more();
    in_time = co_await wait_for_change(deadline);
  }
}

/// False when the deadline came first.
asio::awaitable<bool> Connection::wait_for_change(Time deadline) {
  changed_.expires_at(deadline);
  const auto [code] = co_await changed_.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return code == asio::error::operation_aborted;
}

/// Keeps one read pending, unless more than a header's worth waits to be parsed.
void Connection::read_more() {
  if (reading_ || closed_) return;
  if (input_.size() > context_.options.max_header_bytes) return watch_for_reset();
  reading_ = true;
  const auto done = [self = shared_from_this()](const boost::system::error_code& code, size_t n) {
    self->reading_ = false;
    self->input_.append(self->read_buffer_.data(), n);
    if (code) self->closed_ = true;
    self->read_more();
    self->changed_.cancel();
  };
  socket_.async_read_some(asio::buffer(read_buffer_), done);
}

/// With no read pending an orderly end goes unseen, but not a reset.
void Connection::watch_for_reset() {
  if (watching_for_reset_) return;
  watching_for_reset_ = true;
  const auto done = [self = shared_from_this()](const boost::system::error_code&) {
    self->closed_ = true;
    self->changed_.cancel();
  };
  socket_.async_wait(StreamSocket::wait_error, done);
}

void Connection::watch_for_room() {
  if (watching_for_room_) return;
  watching_for_room_ = true;
  const auto done = [self = shared_from_this()](const boost::system::error_code&) {
    self->watching_for_room_ = false;
    self->changed_.cancel();
  };
  socket_.async_wait(StreamSocket::wait_write, done);
}

/// From any thread, while an outbox of this connection is open.
void Connection::post_change() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->changed_.cancel(); });
}

void Connection::post_close() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
}

/// An answer that is not whole must not look whole: a reset says so where the end of the connection ends a body.
void Connection::close() {
  boost::system::error_code ignored;
  if (answering_) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
  closed_ = true;
  changed_.cancel();
}

}  // namespace drawbridge
