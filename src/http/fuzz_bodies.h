// What the fuzzers of this folder do with one input; the tests run the same on the stored corpus.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/request_parser.h"
#include "http/response_parser.h"
#include "http/sse.h"

namespace drawbridge {

/// The first byte is the size of the pieces: any size gives the same request, or none.
inline void fuzz_request_parser(std::string_view input) {
  if (input.empty()) return;
  const size_t piece_bytes = 1 + static_cast<unsigned char>(input[0]);
  const std::string_view text = input.substr(1);
  const auto parse = [text](size_t step) {
    RequestParser parser({.max_header_bytes = 1024, .max_body_bytes = 4096});
    std::string unparsed;
    std::string outcome;
    size_t at = 0;
    while (at < text.size() && !parser.error() && !parser.done()) {
      unparsed += text.substr(at, step);
      at += std::min(step, text.size() - at);
      unparsed.erase(0, parser.feed(unparsed));
      DB_CHECK(parser.done() || unparsed.size() <= 1024 || parser.error());
    }
    if (!parser.done()) return outcome;
    const size_t n_left = unparsed.size() + text.size() - at;
    const HttpRequest request = parser.take();
    outcome =
        request.method + '\0' + request.path + '\0' + request.query + '\0' + request.body + std::to_string(n_left);
    for (const auto& [name, value] : request.headers) outcome += '\0' + name + '\0' + value;
    return outcome;
  };
  DB_CHECK(parse(piece_bytes) == parse(text.size() + 1));
}

/// The same for a response, whose body is read as server-sent events besides.
inline void fuzz_response_parser(std::string_view input) {
  if (input.empty()) return;
  const size_t piece_bytes = 1 + static_cast<unsigned char>(input[0]);
  const std::string_view text = input.substr(1);
  const auto parse = [text](size_t step) {
    ResponseParser parser(1024, false);
    SseParser sse(4096);
    std::string body;
    std::vector<SseEvent> events;
    Status status;
    for (size_t at = 0; at < text.size() && status.ok() && !parser.done(); at += std::min(step, text.size() - at)) {
      const size_t n_before = body.size();
      status = parser.feed(text.substr(at, step), body);
      if (status.ok()) status = sse.feed(std::string_view(body).substr(n_before), events);
    }
    if (status.ok() && !parser.done()) status = parser.feed_end();
    std::string outcome;
    if (!status.ok()) return outcome;
    outcome = std::to_string(parser.status()) + body;
    for (const SseEvent& event : events) outcome += '\0' + event.event + '\0' + event.data;
    return outcome;
  };
  DB_CHECK(parse(piece_bytes) == parse(text.size() + 1));
}

}  // namespace drawbridge
