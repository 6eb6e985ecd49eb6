// ResponseParser: bytes to one HTTP response, fed in pieces of any size; interim (1xx) responses are skipped.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace drawbridge {

class ResponseParser {
 public:
  /// `to_head`: the response answers a HEAD request and has no body whatever it says.
  ResponseParser(size_t max_header_bytes, bool to_head);
  ~ResponseParser();

  /// Takes all of `bytes` up to the end of the response and appends what is body to `body`. Errors: kCorrupt (not
  /// HTTP), kOutOfRange (the header is too large).
  Status feed(std::string_view bytes, std::string& body);
  /// The connection has ended: fine only if that ends the body. Error: kUnavailable.
  Status feed_end();

  bool header_done() const;
  bool done() const;

  // After header_done().
  int status() const;
  const HttpHeaders& headers() const;  // names in lower case

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace drawbridge
