// The bytes of a response: heads, chunks, error bodies. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace drawbridge {

/// How the body that follows a head is delimited.
enum class BodyFraming {
  kNone,     // the status allows no body (204, 304)
  kLength,   // Content-Length
  kChunked,  // chunks
  kClose,    // the end of the connection: streams to HTTP/1.0
};

/// Status line and fields, the empty line included. Control characters in values become spaces, so that no value from
/// a request can start a field of its own.
std::string format_head(const HttpResponse& response, BodyFraming framing, bool keep_alive);

/// The whole response; `with_body` is false for HEAD, whose head still states the length.
std::string format_response(const HttpResponse& response, bool keep_alive, bool with_body = true);

/// One chunk; nothing for no bytes, since an empty chunk ends a body.
std::string format_chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// An error in OpenAI's shape.
HttpResponse error_response(int status, const std::string& message);

}  // namespace drawbridge
