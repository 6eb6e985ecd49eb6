#include "http/message.h"

#include <algorithm>

namespace drawbridge {

const std::string* find_header(const HttpHeaders& headers, std::string_view lower_name) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == lower_name; });
  return found == headers.end() ? nullptr : &found->second;
}

Status check_header_values(const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos) continue;
    return fail(Code::kInvalidArgument, "header {}: wanted a value of one line, found a line end or a zero in it",
                name);
  }
  return Status();
}

}  // namespace drawbridge
