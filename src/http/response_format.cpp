#include "http/response_format.h"

#include <fmt/format.h>

#include <boost/beast/http/status.hpp>

#include <ctime>
#include <iterator>

#include "base/json.h"

namespace drawbridge {
namespace {

/// Now, as in "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[40];
  return std::string(text, std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ");
  for (const char c : value) head += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  head += "\r\n";
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

std::string format_head(const HttpResponse& response, BodyFraming framing, bool keep_alive) {
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, std::string_view(reason.data(), reason.size()));
  append_field(head, "Date", http_date());
  if (framing != BodyFraming::kNone) append_field(head, "Content-Type", response.content_type);
  if (framing == BodyFraming::kLength) append_field(head, "Content-Length", std::to_string(response.body.size()));
  if (framing == BodyFraming::kChunked) append_field(head, "Transfer-Encoding", "chunked");
  append_field(head, "Connection", keep_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : response.headers) append_field(head, name, value);
  return head += "\r\n";
}

std::string format_response(const HttpResponse& response, bool keep_alive, bool with_body) {
  if (has_no_body(response.status)) return format_head(response, BodyFraming::kNone, keep_alive);
  std::string bytes = format_head(response, BodyFraming::kLength, keep_alive);
  if (with_body) bytes += response.body;
  return bytes;
}

std::string format_chunk(std::string_view bytes) {
  if (bytes.empty()) return {};
  std::string chunk = fmt::format("{:x}\r\n", bytes.size());
  return chunk.append(bytes).append("\r\n");
}

HttpResponse error_response(int status, const std::string& message) {
  const char* type = status < 500 ? "invalid_request_error" : "server_error";
  HttpResponse response;
  response.status = status;
  const Json error = {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}};
  response.body = dump_json(Json{{"error", error}});
  return response;
}

}  // namespace drawbridge
