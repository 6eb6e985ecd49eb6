// What an error looks like on the wire: OpenAI's {"error":{message,type,param,code}} with the HTTP status beside it.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "http/message.h"

namespace drawbridge {

struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::optional<std::string> param;  // the field at fault, such as "messages[0].role"
  std::optional<std::string> code;   // for programs, such as "model_not_found"
};

/// The error that a failed operation shows to a client. `param` is what stands before the message's first colon, if
/// that has the form of a field. Errors that are not the client's are not told in words: the log has them.
ApiError api_error(const Status& status);

/// The same for a request that the engine did not take: its kOutOfRange is a prompt that does not fit the context.
ApiError submit_error(const Status& status);

Json error_body(const ApiError& error);
HttpResponse error_response(const ApiError& error);

}  // namespace drawbridge
