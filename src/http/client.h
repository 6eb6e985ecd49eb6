// A small blocking HTTP/1.1 client for our own API and others like it: one connection a request, bounded in time and
// memory. Threads: any number, each request is on its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "base/result.h"
#include "http/message.h"
#include "http/sse.h"
#include "http/url.h"

namespace drawbridge {

struct HttpClientRequest {
  std::string method = "GET";
  HttpHeaders headers;  // beside Host, Connection and Content-Length
  std::string body;
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds read_timeout = std::chrono::seconds(300);  // without a byte
  size_t max_body_bytes = 64 << 20;                                    // of a whole body, and of each event
};

struct HttpClientResponse {
  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;     // empty if it went to on_event

  const std::string* header(std::string_view lower_name) const { return find_header(headers, lower_name); }
};

/// Called for each event of a stream; false closes the connection and ends the request.
using OnEvent = std::function<bool(const SseEvent&)>;

/// Sends the request and reads the whole response. A text/event-stream goes to `on_event` if there is one. Errors name
/// the URL's host and port: kUnavailable (no connection, a time-out, an end in the middle), kOutOfRange (too large),
/// kCorrupt (not HTTP).
Result<HttpClientResponse> http_request(const Url& url, const HttpClientRequest& request, const OnEvent& on_event = {});

}  // namespace drawbridge
