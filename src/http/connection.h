// Connection: one accepted socket from its first byte to its last. It reads a request, hands it to the handler, sends
// the answer, and starts over. A read stays pending all the while, so that a peer that leaves is noticed though we are
// silent; what it sends ahead is kept for the next request.
//
// One coroutine does the work. Whatever it may wait for (input, the peer's end, room to write, output to send, a
// deadline) rings `changed_`, and it looks at the state again, as one does with a condition variable.
// Threads: everything runs on the strand of the socket; the outbox alone is shared with other threads.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/connection_exchange.h"
#include "http/connection_table.h"
#include "http/outbox.h"
#include "http/request_parser.h"
#include "http/server.h"

namespace drawbridge {

/// Of TCP, or local to the machine.
using StreamSocket = boost::asio::generic::stream_protocol::socket;

/// What all connections of a server share.
struct ServerContext {
  HttpServerOptions options;
  Handler handler;
  ConnectionTable table;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(StreamSocket socket, ServerContext& context);

  /// Enters it into the table of connections and serves the peer until either side ends the connection.
  void start();
  /// The same, but sends one response to whatever comes, and ends.
  void start_refusing(HttpResponse response);

 private:
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;
  using Time = std::chrono::steady_clock::time_point;

  void run(Awaitable<void> work);
  Awaitable<void> serve();
  Awaitable<void> refuse(HttpResponse response);

  Awaitable<bool> read_request(RequestParser& parser);
  Awaitable<bool> wait_for_input(std::chrono::milliseconds limit);
  Awaitable<bool> read_part(RequestParser& parser, bool with_body);
  Awaitable<bool> answer(RequestParser& parser);
  void call_handler(std::shared_ptr<Exchange> exchange);
  Awaitable<bool> send_output(Outbox& outbox);
  Awaitable<bool> send(std::string_view bytes);
  Awaitable<void> linger();

  Awaitable<bool> wait_for_change(Time deadline);
  void read_more();
  void watch_for_reset();
  void watch_for_room();
  void post_change();
  void post_close();
  void close();

  StreamSocket socket_;
  ServerContext& context_;
  const std::string peer_;
  boost::asio::steady_timer changed_;
  std::array<char, 16 << 10> read_buffer_;
  std::string input_;  // received and not parsed
  bool reading_ = false;
  bool watching_for_reset_ = false;
  bool watching_for_room_ = false;
  bool closed_ = false;  // by either side
  bool answering_ = false;
  std::optional<ConnectionTable::Entry> entry_;
};

}  // namespace drawbridge
