#include "eval/markdown_table.h"

#include <algorithm>

#include "base/check.h"

namespace drawbridge {
namespace {

size_t n_characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

MarkdownTable::MarkdownTable(std::vector<std::string> headings) : width_(headings.size(), 3) {
  for (std::string& heading : headings) {
    is_left_.push_back(heading.starts_with('<'));
    if (is_left_.back()) heading.erase(0, 1);
  }
  add(std::move(headings));
}

void MarkdownTable::add(std::vector<std::string> cells) {
  DB_CHECK(cells.size() == width_.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    std::replace_if(
        cells[i].begin(), cells[i].end(), [](char c) { return c == '|' || static_cast<unsigned char>(c) < 32; }, ' ');
    width_[i] = std::max(width_[i], n_characters(cells[i]));
  }
  rows_.push_back(std::move(cells));
}

std::string MarkdownTable::text() const {
  std::string text;
  for (size_t row = 0; row < rows_.size(); ++row) {
    for (size_t i = 0; i < width_.size(); ++i) {
      const std::string padding(width_[i] - n_characters(rows_[row][i]), ' ');
      text += "|" + (is_left_[i] ? rows_[row][i] + padding : padding + rows_[row][i]);
    }
    text += "|\n";
    if (row > 0) continue;
    for (size_t i = 0; i < width_.size(); ++i) {
      text += "|" + std::string(width_[i] - 1, '-') + (is_left_[i] ? "-" : ":");
    }
    text += "|\n";
  }
  return text;
}

}  // namespace drawbridge
