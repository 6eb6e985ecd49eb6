// A table for a terminal: columns as wide as their widest cell, two blanks between them, a rule under the heading.
#pragma once

#include <string>
#include <vector>

namespace drawbridge {

class TextTable {
 public:
  /// A heading that starts with '<' is a column of text, set flush left; the others hold numbers.
  explicit TextTable(std::vector<std::string> headings);

  /// One cell for each heading; cells are ASCII.
  void add(std::vector<std::string> cells);
  void add_rule();
  /// Lines ended by newlines, without trailing blanks.
  std::string text() const;

 private:
  std::string line(const std::vector<std::string>& cells) const;

  std::vector<bool> is_left_;
  std::vector<size_t> width_;
  std::vector<std::vector<std::string>> rows_;  // an empty one is a rule
};

}  // namespace drawbridge
