#include "base/text_table.h"

#include <algorithm>

#include "base/check.h"

namespace drawbridge {

TextTable::TextTable(std::vector<std::string> headings) : width_(headings.size()) {
  for (std::string& heading : headings) {
    is_left_.push_back(heading.starts_with('<'));
    if (is_left_.back()) heading.erase(0, 1);
  }
  add(std::move(headings));
  add_rule();
}

void TextTable::add(std::vector<std::string> cells) {
  DB_CHECK(cells.size() == width_.size());
  for (size_t i = 0; i < cells.size(); ++i) width_[i] = std::max(width_[i], cells[i].size());
  rows_.push_back(std::move(cells));
}

void TextTable::add_rule() {
  rows_.emplace_back();
}

std::string TextTable::line(const std::vector<std::string>& cells) const {
  std::string text;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(width_[i] - cells[i].size(), ' ');
    if (i > 0) text += "  ";
    text += is_left_[i] ? cells[i] + padding : padding + cells[i];
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string TextTable::text() const {
  size_t total = 2 * (width_.size() - 1);
  for (const size_t width : width_) total += width;
  std::string text;
  for (const auto& row : rows_) text += row.empty() ? std::string(total, '-') + "\n" : line(row);
  return text;
}

}  // namespace drawbridge
