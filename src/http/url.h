// Url: where an HTTP request goes. Only http://: Drawbridge speaks no TLS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace drawbridge {

struct Url {
  std::string host;  // a name, an IPv4 address, or an IPv6 address without its brackets
  uint16_t port = 80;
  std::string target = "/";  // path and query

  /// host:port as the Host field and messages have it.
  std::string authority() const;
};

/// "http://host[:port][/path][?query]"; a fragment is dropped, user names are refused.
Result<Url> parse_url(std::string_view text);

}  // namespace drawbridge
