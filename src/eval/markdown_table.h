// A table in Markdown whose columns are padded, so that it reads as well in a terminal as when pasted into a page.
#pragma once

#include <string>
#include <vector>

namespace drawbridge {

class MarkdownTable {
 public:
  /// A heading that starts with '<' is a column of text, set flush left; the others hold numbers.
  explicit MarkdownTable(std::vector<std::string> headings);

  /// One UTF-8 cell for each heading; bars and control characters are replaced.
  void add(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<bool> is_left_;
  std::vector<size_t> width_;  // characters
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace drawbridge
