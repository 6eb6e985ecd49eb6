// The lines of a text with their numbers, for errors; empty lines are passed over.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace drawbridge {

class TextLines {
 public:
  TextLines(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  /// False at the end.
  bool next() {
    line_ = {};
    while (!text_.empty() && line_.empty()) {
      const size_t end = std::min(text_.find('\n'), text_.size());
      line_ = text_.substr(0, end);
      if (line_.ends_with('\r')) line_.remove_suffix(1);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      ++number_;
    }
    return !line_.empty();
  }
  std::string_view line() const { return line_; }
  /// "FILE:LINE".
  std::string source() const { return fmt::format("{}:{}", path_, number_); }

 private:
  std::string_view text_;
  const std::string& path_;
  std::string_view line_;
  size_t number_ = 0;
};

}  // namespace drawbridge
