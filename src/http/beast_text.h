// Between Beast's strings and ours.
#pragma once

#include <boost/beast/core/string_type.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace drawbridge {

inline std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// ASCII letters in lower case, whatever the locale.
inline std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace drawbridge
