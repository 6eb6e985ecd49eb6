#include "http/message.h"

#include <algorithm>

namespace drawbridge {

const std::string* find_header(const HttpHeaders& headers, std::string_view lower_name) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == lower_name; });
  return found == headers.end() ? nullptr : &found->second;
}

}  // namespace drawbridge
