// A request and a response of HTTP/1.1 as plain data: what crosses between the framing here and the routes in server/.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace drawbridge {

/// In the order received or to be sent; a name may stand more than once.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// Value of the first header of that lower-case name, or nullptr.
const std::string* find_header(const HttpHeaders& headers, std::string_view lower_name);

/// Of what is to be sent: a line end in a value would begin another header, or another request.
Status check_header_values(const HttpHeaders& headers);

struct HttpRequest {
  std::string method;   // as sent: "GET"
  std::string path;     // as sent, not percent-decoded: "/v1/models"
  std::string query;    // without the '?'
  HttpHeaders headers;  // names in lower case
  std::string body;
  std::string peer;  // address:port

  const std::string* header(std::string_view lower_name) const { return find_header(headers, lower_name); }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  HttpHeaders headers;  // beside content type, length, connection and date
};

}  // namespace drawbridge
