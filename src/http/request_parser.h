// RequestParser: bytes to one HttpRequest, fed in pieces of any size. No sockets: it is what the fuzzer and the
// connection both run.
//
// Beast's parser does the grammar (RFC 9112); on top of it come the caps, and refusal of every form in which two
// parsers could disagree about where a request ends (request smuggling): Content-Length beside Transfer-Encoding, more
// than one of either, any transfer coding but "chunked". Trailer fields are checked and dropped.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace drawbridge {

struct RequestLimits {
  size_t max_header_bytes = 32 << 10;  // request line and fields; also one chunk header, and the trailer
  size_t max_body_bytes = 8 << 20;
};

/// Why a request is refused: the status to answer with and a sentence for the peer.
struct RequestError {
  int status = 400;
  std::string message;
};

class RequestParser {
 public:
  explicit RequestParser(const RequestLimits& limits);
  RequestParser(RequestParser&&) noexcept;
  ~RequestParser();

  /// Consumes a prefix of `bytes` and returns its length; call again with the rest and more when that is less. After
  /// done() or error() it consumes nothing.
  size_t feed(std::string_view bytes);

  bool header_done() const;  // the limits and forms of the header are known to be right
  bool done() const;
  const std::optional<RequestError>& error() const;

  // After header_done().
  bool wants_continue() const;  // the peer waits for "100 Continue" before it sends the body
  bool keep_alive() const;
  bool http_1_0() const;

  /// The request, once done(). Its peer is left empty.
  HttpRequest take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drawbridge
