#include "server/access.h"

#include <strings.h>
#include <algorithm>
#include <cstdint>

namespace drawbridge {
namespace {

constexpr std::string_view kBearer = "bearer ";

std::string_view given_key(const HttpRequest& request) {
  if (const std::string* authorization = request.header("authorization")) {
    const std::string_view text = *authorization;
    if (text.size() >= kBearer.size() && ::strncasecmp(text.data(), kBearer.data(), kBearer.size()) == 0) {
      return text.substr(kBearer.size());
    }
  }
  const std::string* key = request.header("x-api-key");
  return key != nullptr ? std::string_view(*key) : std::string_view();
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference = difference | static_cast<uint8_t>(a[i] ^ b[i]);
  return difference == 0;
}

bool has_access(const HttpRequest& request, const std::vector<std::string>& keys) {
  const std::string_view given = given_key(request);
  bool found = keys.empty();
  for (const std::string& key : keys) found |= equal_in_constant_time(given, key);
  return found;
}

}  // namespace drawbridge
