// UTF-8 taken apart the way Python's bytes.decode(errors="replace") and Unicode's "maximal subpart" rule do it:
// every longest prefix of a character that goes wrong becomes one U+FFFD.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drawbridge {

struct Utf8Step {
  size_t bytes = 0;        // how far to move, at least 1
  bool valid = false;      // a whole character
  bool truncated = false;  // not valid, but more bytes could complete it
};

/// What stands at text[at]; wants at < text.size().
Utf8Step next_utf8(std::string_view text, size_t at);

/// Valid UTF-8 from any bytes.
std::string replace_invalid_utf8(std::string_view text);

/// Code point of a valid character of 1 to 4 bytes.
char32_t decode_utf8(std::string_view character);

void append_utf8(char32_t code_point, std::string& out);

inline constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

}  // namespace drawbridge
