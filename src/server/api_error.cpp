#include "server/api_error.h"

#include <string_view>

namespace drawbridge {
namespace {

std::optional<std::string> field_of(std::string_view message) {
  const size_t colon = message.find(": ");
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  constexpr std::string_view kFieldCharacters = "abcdefghijklmnopqrstuvwxyz_0123456789.[]";
  if (message.substr(0, colon).find_first_not_of(kFieldCharacters) != std::string_view::npos) return std::nullopt;
  return std::string(message.substr(0, colon));
}

Json or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}

}  // namespace

ApiError api_error(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
    case Code::kCorrupt:
      return {400, status.message(), "invalid_request_error", field_of(status.message()), std::nullopt};
    case Code::kUnsupported:
      return {400, status.message(), "invalid_request_error", field_of(status.message()), "unsupported"};
    case Code::kNotFound:
      return {404, status.message(), "invalid_request_error", field_of(status.message()), "not_found"};
    case Code::kResourceExhausted:
      return {429, status.message(), "rate_limit_exceeded", std::nullopt, "queue_full"};
    case Code::kUnavailable:
      return {503, status.message(), "server_error", std::nullopt, "unavailable"};
    default:
      return {500, "the server failed on this request; its log says why, under the x-request-id of this answer",
              "server_error", std::nullopt, code_name(status.code())};
  }
}

ApiError submit_error(const Status& status) {
  ApiError error = api_error(status);
  if (status.code() == Code::kOutOfRange) error.code = "context_length_exceeded";
  return error;
}

Json error_body(const ApiError& error) {
  return {{"error",
           {{"message", error.message},
            {"type", error.type},
            {"param", or_null(error.param)},
            {"code", or_null(error.code)}}}};
}

HttpResponse error_response(const ApiError& error) {
  HttpResponse response;
  response.status = error.status;
  response.body = dump_json(error_body(error));
  if (error.status == 429 || error.status == 503) response.headers.emplace_back("retry-after", "1");
  if (error.status == 401) response.headers.emplace_back("www-authenticate", "Bearer");
  return response;
}

}  // namespace drawbridge
