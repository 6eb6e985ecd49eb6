#include "http/connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <exception>
#include <utility>

#include "base/log.h"
#include "http/connection_exchange.h"
#include "http/response_format.h"
#include "http/within.h"

namespace drawbridge {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;  // NOLINT: for operator||

// An operation's error is a value: operator|| waits for the other side of one that throws.
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kLinger{2000};
constexpr size_t kReadBytes = 16 << 10;

std::string peer_name(const asio::ip::tcp::socket& socket) {
  boost::system::error_code code;
  const auto peer = socket.remote_endpoint(code);
  return code ? "" : fmt::format("{}:{}", peer.address().to_string(), peer.port());
}

/// Closes an outbox however its answer ends: an exception, a peer that left, or success.
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

Connection::Connection(asio::ip::tcp::socket socket, ServerContext& context)
    : socket_(std::move(socket)), context_(context), output_(socket_.get_executor()), peer_(peer_name(socket_)) {
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
  asio::co_spawn(socket_.get_executor(), std::move(work),
                 [self = shared_from_this()](const std::exception_ptr& thrown) {
                   try {
                     if (thrown) std::rethrow_exception(thrown);
                   } catch (const std::exception& error) {
                     spdlog::error("http connection failed peer={} error=\"{}\"", self->peer_, error.what());
                   }
                 });
}

asio::awaitable<void> Connection::serve() {
  for (bool open = true; open;) {
    std::optional<RequestParser> request = co_await read_request();
    if (!request) break;
    open = co_await answer(std::move(*request));
    if (context_.table.draining()) break;
  }
  co_await linger();
}

asio::awaitable<void> Connection::refuse(HttpResponse response) {
  const std::string bytes = format_response(response, false);
  co_await send(bytes);
  co_await linger();
}

/// The next request, complete; nothing when the connection is to end.
asio::awaitable<std::optional<RequestParser>> Connection::read_request() {
  RequestParser parser({context_.options.max_header_bytes, context_.options.max_body_bytes});
  if (input_.empty()) {
    const auto came = co_await within(context_.options.idle_timeout, read_some());
    if (!came || !*came) co_return std::nullopt;
  }
  if (!co_await read_part(parser, false)) co_return std::nullopt;
  if (parser.wants_continue() && !co_await send("HTTP/1.1 100 Continue\r\n\r\n")) co_return std::nullopt;
  if (!co_await read_part(parser, true)) co_return std::nullopt;
  co_return parser;
}

/// Reads the header, or also the body, in time. False: the peer is gone, or has been told what is wrong.
asio::awaitable<bool> Connection::read_part(RequestParser& parser, bool with_body) {
  const auto fed = co_await within(context_.options.read_timeout, feed_parser(parser, with_body));
  if (fed && !*fed) co_return false;
  std::optional<RequestError> error = parser.error();
  if (!fed) error = RequestError{408, "the request was not complete in time"};
  if (error) co_await send_error(*error);
  co_return !error;
}

/// False: the peer is gone.
asio::awaitable<bool> Connection::feed_parser(RequestParser& parser, bool with_body) {
  for (;;) {
    input_.erase(0, parser.feed(input_));
    if (parser.error() || parser.done() || (!with_body && parser.header_done())) co_return true;
    if (!co_await read_some()) co_return false;
  }
}

/// Appends what comes next to the input. False: the peer has closed.
asio::awaitable<bool> Connection::read_some() {
  std::array<char, kReadBytes> bytes;
  const auto [code, n] = co_await socket_.async_read_some(asio::buffer(bytes), kNoThrow);
  input_.append(bytes.data(), n);
  co_return !code;
}

asio::awaitable<void> Connection::send_error(RequestError error) {
  spdlog::debug("http refused status={} peer={} reason=\"{}\"", error.status, peer_, error.message);
  const std::string bytes = format_response(error_response(error.status, error.message), false);
  co_await send(bytes);
}

/// True: delivered, and the connection may serve another request.
asio::awaitable<bool> Connection::answer(RequestParser parser) {
  const ConnectionTable::Answering in_hand(context_.table);
  answering_ = true;
  HttpRequest request = parser.take();
  request.peer = peer_;
  const bool keep_alive = parser.keep_alive() && !parser.http_1_0() && !context_.table.draining();
  const AnswerForm form{keep_alive, !parser.http_1_0(), request.method != "HEAD"};
  const auto outbox = std::make_shared<Outbox>(context_.options.max_buffered_bytes,
                                               Outbox::Signals{[this] { post_wake(); }, [this] { post_close(); }});
  OutboxCloser closer(*outbox);
  call_handler(std::make_shared<ConnectionExchange>(std::move(request), form, outbox));
  const auto first = co_await (send_answer(*outbox) || watch_peer());
  const bool delivered = first.index() == 0 && std::get<0>(first);
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
asio::awaitable<bool> Connection::send_answer(Outbox& outbox) {
  std::string bytes;
  for (;;) {
    const Outbox::State state = outbox.take(bytes);
    if (state == Outbox::State::kFinished) co_return true;
    if (state == Outbox::State::kBytes) {
      if (!co_await send(bytes)) co_return false;
    } else {
      output_.expires_at(asio::steady_timer::time_point::max());
      co_await output_.async_wait(kNoThrow);
    }
  }
}

/// Returns when the peer has left. What it sends meanwhile is its next request; of that a header's worth is taken in,
/// then only a reset is noticed.
asio::awaitable<bool> Connection::watch_peer() {
  while (input_.size() < context_.options.max_header_bytes) {
    if (!co_await read_some()) co_return true;
  }
  co_await socket_.async_wait(asio::ip::tcp::socket::wait_error, kNoThrow);
  co_return true;
}

/// False: the peer is gone, or reads nothing.
asio::awaitable<bool> Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    boost::system::error_code code;
    const size_t n = socket_.write_some(asio::buffer(bytes), code);
    bytes.remove_prefix(n);
    if (code == asio::error::would_block) {
      const auto writable = co_await within(context_.options.write_timeout, wait_until_writable());
      if (!writable || !*writable) co_return false;
    } else if (code) {
      co_return false;
    }
  }
  co_return true;
}

asio::awaitable<bool> Connection::wait_until_writable() {
  const auto [code] = co_await socket_.async_wait(asio::ip::tcp::socket::wait_write, kNoThrow);
  co_return !code;
}

/// Closing over unread input resets the connection and can destroy an answer on its way; so says that we are done and
/// waits a little for the peer to be done as well.
asio::awaitable<void> Connection::linger() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  co_await within(kLinger, discard_input());
  close();
}

asio::awaitable<bool> Connection::discard_input() {
  do {
    input_.clear();
  } while (co_await read_some());
  co_return true;
}

/// From any thread, while an outbox of this connection is open.
void Connection::post_wake() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->output_.cancel(); });
}

void Connection::post_close() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
}

/// An answer that is not whole must not look whole: a reset says so where the end of the connection ends a body.
void Connection::close() {
  boost::system::error_code ignored;
  if (answering_) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

}  // namespace drawbridge
