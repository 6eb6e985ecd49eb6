// Connection: one accepted socket from its first byte to its last. It reads a request, hands it to the handler, sends
// the answer while a read stays pending (so that a peer that leaves is noticed though we are silent), and starts over.
//
// Threads: everything runs on the strand of the socket; the outbox alone is shared with other threads.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/connection_table.h"
#include "http/outbox.h"
#include "http/request_parser.h"
#include "http/server.h"

namespace drawbridge {

/// What all connections of a server share.
struct ServerContext {
  HttpServerOptions options;
  Handler handler;
  ConnectionTable table;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, ServerContext& context);

  /// Enters it into the table of connections and serves the peer until either side ends the connection.
  void start();
  /// The same, but sends one response to whatever comes, and ends.
  void start_refusing(HttpResponse response);

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  void run(Awaitable<void> work);
  Awaitable<void> serve();
  Awaitable<void> refuse(HttpResponse response);

  Awaitable<std::optional<RequestParser>> read_request();
  Awaitable<bool> read_part(RequestParser& parser, bool with_body);
  Awaitable<bool> feed_parser(RequestParser& parser, bool with_body);
  Awaitable<bool> read_some();
  Awaitable<void> send_error(RequestError error);

  Awaitable<bool> answer(RequestParser parser);
  void call_handler(std::shared_ptr<Exchange> exchange);
  Awaitable<bool> send_answer(Outbox& outbox);
  Awaitable<bool> watch_peer();
  Awaitable<bool> send(std::string_view bytes);
  Awaitable<bool> wait_until_writable();

  Awaitable<void> linger();
  Awaitable<bool> discard_input();
  void post_wake();
  void post_close();
  void close();

  boost::asio::ip::tcp::socket socket_;
  ServerContext& context_;
  boost::asio::steady_timer output_;  // never expires: cancelled when the outbox has something
  const std::string peer_;
  std::string input_;  // received and not parsed
  bool answering_ = false;
  std::optional<ConnectionTable::Entry> entry_;
};

}  // namespace drawbridge
