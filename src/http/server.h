// HttpServer: HTTP/1.1 on a TCP port or a Unix socket, thousands of connections on a few io threads. It knows framing,
// limits and timeouts; what a path means is the handler's business.
//
// A connection answers its requests one after the other; a request that is malformed or over a limit is answered here,
// in OpenAI's error shape, and the connection is closed. Nothing that a peer sends or fails to read costs more than
// the limits below. A peer that closes its sending half has left.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/exchange.h"

namespace drawbridge {

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;           // 0: any free
  std::string unix_path = {};  // of a socket for this user on this machine instead of host and port; empty: none
  int n_threads = 2;
  size_t max_header_bytes = 32 << 10;
  size_t max_body_bytes = 8 << 20;
  size_t max_buffered_bytes = 4 << 20;                                 // of a stream, unread by the peer
  int max_connections = 1024;                                          // more are answered with 503
  std::chrono::milliseconds read_timeout = std::chrono::seconds(30);   // for a whole header, and again for its body
  std::chrono::milliseconds write_timeout = std::chrono::seconds(30);  // for a peer that reads nothing
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(75);   // between two requests
};

class HttpServer {
 public:
  /// Errors: kInvalidArgument (host), kUnavailable (the port cannot be bound); both name the address.
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options, Handler handler);
  ~HttpServer();

  uint16_t port() const;
  size_t n_connections() const;
  /// Closes the listening socket; open connections go on.
  void stop_accepting();
  /// Waits until all exchanges have ended or `grace` has passed, then closes every connection. Not from a handler.
  void stop(std::chrono::milliseconds grace);

 private:
  class Core;
  explicit HttpServer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace drawbridge
