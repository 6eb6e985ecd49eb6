#include "base/html_table.h"

#include "base/check.h"
#include "base/svg.h"

namespace drawbridge {

HtmlTable::HtmlTable(std::vector<std::string> headings) {
  for (std::string& heading : headings) {
    is_left_.push_back(heading.starts_with('<'));
    if (is_left_.back()) heading.erase(0, 1);
  }
  add_row("th", headings);
}

void HtmlTable::add(const std::vector<std::string>& cells) {
  add_row("td", cells);
}

void HtmlTable::add_row(const char* tag, const std::vector<std::string>& cells) {
  DB_CHECK(cells.size() == is_left_.size());
  rows_ += "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) {
    rows_ +=
        std::string("<") + tag + (is_left_[i] ? " class=\"name\">" : ">") + escape_html(cells[i]) + "</" + tag + ">";
  }
  rows_ += "</tr>\n";
}

}  // namespace drawbridge
