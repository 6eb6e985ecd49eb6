#include "http/url.h"

#include <algorithm>
#include <charconv>

namespace drawbridge {
namespace {

Status bad_url(std::string_view text, const char* wanted) {
  return fail(Code::kInvalidArgument, "URL '{}': wanted {}", text, wanted);
}

/// Splits "[v6]:port", "host:port" or "host"; the port is left as text.
bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port) {
  size_t end = authority.find(':');
  if (authority.substr(0, 1) == "[") {
    end = authority.find(']');
    if (end == std::string_view::npos) return false;
    host = authority.substr(1, end - 1);
    ++end;
  } else {
    host = authority.substr(0, end);
  }
  const std::string_view rest = end < authority.size() ? authority.substr(end) : "";
  if (!rest.empty() && rest[0] != ':') return false;
  port = rest.empty() ? rest : rest.substr(1);
  return !host.empty() && (rest.empty() || !port.empty());
}

}  // namespace

std::string Url::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<Url> parse_url(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  if (text.substr(0, kScheme.size()) != kScheme) return bad_url(text, "http://host[:port][/path]");
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!printable) return bad_url(text, "no spaces, control characters or bytes beyond ASCII; percent-encode them");
  const std::string_view rest = text.substr(kScheme.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  std::string_view target = rest.substr(authority.size());
  target = target.substr(0, target.find('#'));
  if (authority.find('@') != std::string_view::npos) return bad_url(text, "no user name; send a header instead");
  std::string_view host;
  std::string_view port;
  if (!split_authority(authority, host, port)) return bad_url(text, "http://host[:port][/path]");

  Url url;
  url.host = host;
  if (!target.empty()) url.target = (target[0] == '?' ? "/" : "") + std::string(target);
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0) {
      return bad_url(text, "a port of 1 to 65535");
    }
  }
  return url;
}

}  // namespace drawbridge
