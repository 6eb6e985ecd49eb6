#include "http/client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <exception>
#include <utility>
#include <vector>

#include "http/response_parser.h"

namespace drawbridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr size_t kMaxHeaderBytes = 64 << 10;

/// A TCP connection whose every wait has a limit.
class TimedConnection {
 public:
  explicit TimedConnection(const Url& url) : url_(url), resolver_(io_), socket_(io_) {}

  Status connect(std::chrono::milliseconds limit);
  Status send(std::string_view bytes, std::chrono::milliseconds limit);
  /// The bytes that came next; none at the end of the connection.
  Result<std::string_view> receive(std::chrono::milliseconds limit);

 private:
  bool run(std::chrono::milliseconds limit);
  Status failed(const char* what, const std::string& why) const {
    return fail(Code::kUnavailable, "{}: cannot {}: {}", url_.authority(), what, why);
  }
  Status timed_out(const char* what, std::chrono::milliseconds limit) const {
    return failed(what, fmt::format("nothing happened for {} ms", limit.count()));
  }

  const Url& url_;
  asio::io_context io_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::array<char, 16 << 10> buffer_;
};

/// Runs what has been started; false if it was still going on at the limit, and has been cancelled.
bool TimedConnection::run(std::chrono::milliseconds limit) {
  io_.restart();
  io_.run_for(limit);
  if (io_.stopped()) return true;
  resolver_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
  io_.run();
  return false;
}

Status TimedConnection::connect(std::chrono::milliseconds limit) {
  boost::system::error_code code;
  const auto connected = [&](const boost::system::error_code& error, const tcp::endpoint&) { code = error; };
  const auto resolved = [&](const boost::system::error_code& error, const tcp::resolver::results_type& found) {
    code = error;
    if (!error) asio::async_connect(socket_, found, connected);
  };
  resolver_.async_resolve(url_.host, std::to_string(url_.port), resolved);
  if (!run(limit)) return timed_out("connect", limit);
  if (code) return failed("connect", code.message());
  socket_.set_option(tcp::no_delay(true), code);
  return Status();
}

Status TimedConnection::send(std::string_view bytes, std::chrono::milliseconds limit) {
  boost::system::error_code code;
  const auto sent = [&](const boost::system::error_code& error, size_t) { code = error; };
  asio::async_write(socket_, asio::buffer(bytes), sent);
  if (!run(limit)) return timed_out("send", limit);
  if (code) return failed("send", code.message());
  return Status();
}

Result<std::string_view> TimedConnection::receive(std::chrono::milliseconds limit) {
  boost::system::error_code code;
  size_t n_received = 0;
  const auto received = [&](const boost::system::error_code& error, size_t n) {
    code = error;
    n_received = n;
  };
  socket_.async_read_some(asio::buffer(buffer_), received);
  if (!run(limit)) return timed_out("receive", limit);
  if (code && code != asio::error::eof) return failed("receive", code.message());
  return std::string_view(buffer_.data(), n_received);
}

std::string request_bytes(const Url& url, const HttpClientRequest& request) {
  std::string bytes =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", request.method, url.target, url.authority());
  for (const auto& [name, value] : request.headers) bytes += fmt::format("{}: {}\r\n", name, value);
  if (!request.body.empty() || request.method == "POST")
    bytes += fmt::format("Content-Length: {}\r\n", request.body.size());
  return bytes + "\r\n" + request.body;
}

/// Takes the body as it comes: events to the callback, anything else into the response.
class BodyReader {
 public:
  BodyReader(const HttpClientRequest& request, const OnEvent& on_event)
      : max_bytes_(request.max_body_bytes), on_event_(on_event), events_(request.max_body_bytes) {}

  /// Consumes `piece`, unless it is collected there.
  Status take(const ResponseParser& parser, std::string& piece) {
    if (!on_event_ || !is_event_stream(parser.headers())) {
      if (piece.size() <= max_bytes_) return Status();
      return fail(Code::kOutOfRange, "the response is larger than the limit of {} bytes", max_bytes_);
    }
    std::vector<SseEvent> events;
    DB_TRY(events_.feed(std::exchange(piece, {}), events));
    for (size_t i = 0; i < events.size() && !stopped_; ++i) stopped_ = !on_event_(events[i]);
    return Status();
  }

  bool stopped() const { return stopped_; }

 private:
  static bool is_event_stream(const HttpHeaders& headers) {
    const std::string* type = find_header(headers, "content-type");
    return type != nullptr && type->rfind("text/event-stream", 0) == 0;
  }

  const size_t max_bytes_;
  const OnEvent& on_event_;
  SseParser events_;
  bool stopped_ = false;
};

Result<HttpClientResponse> exchange(const Url& url, const HttpClientRequest& request, const OnEvent& on_event) {
  TimedConnection connection(url);
  DB_TRY(connection.connect(request.connect_timeout));
  DB_TRY(connection.send(request_bytes(url, request), request.read_timeout));
  ResponseParser parser(kMaxHeaderBytes, request.method == "HEAD");
  BodyReader reader(request, on_event);
  HttpClientResponse response;
  while (!parser.done() && !reader.stopped()) {
    DB_ASSIGN(const std::string_view bytes, connection.receive(request.read_timeout));
    DB_TRY(bytes.empty() ? parser.feed_end() : parser.feed(bytes, response.body));
    if (parser.header_done()) DB_TRY(reader.take(parser, response.body));
  }
  response.status = parser.status();
  response.headers = parser.headers();
  return response;
}

}  // namespace

Result<HttpClientResponse> http_request(const Url& url, const HttpClientRequest& request, const OnEvent& on_event) {
  try {
    DB_TRY(check_header_values(request.headers));
    auto response = exchange(url, request, on_event);
    if (response.ok() || response.status().message().rfind(url.authority(), 0) == 0) return response;
    return fail(response.status().code(), "{}: {}", url.authority(), response.status().message());
  } catch (const std::exception& error) {  // of Asio: out of descriptors, threads or memory
    return fail(Code::kResourceExhausted, "{}: {}", url.authority(), error.what());
  }
}

}  // namespace drawbridge
