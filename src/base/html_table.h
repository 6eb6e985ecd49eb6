// A table of a page; every cell is escaped.
#pragma once

#include <string>
#include <vector>

namespace drawbridge {

class HtmlTable {
 public:
  /// A heading that starts with '<' is a column of text, set flush left; the others hold numbers.
  explicit HtmlTable(std::vector<std::string> headings);

  void add(const std::vector<std::string>& cells);
  std::string element() const { return "<div class=\"scroll\"><table>\n" + rows_ + "</table></div>\n"; }

 private:
  void add_row(const char* tag, const std::vector<std::string>& cells);

  std::vector<bool> is_left_;
  std::string rows_;
};

}  // namespace drawbridge
