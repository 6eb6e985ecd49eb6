// For tests of pages: whether every element that is opened is closed.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace drawbridge {

/// Names of the elements that are open where they should be closed, or closed where none is open.
inline std::vector<std::string> unbalanced(const std::string& html) {
  static const std::set<std::string> kVoid = {"meta", "!doctype"};
  std::vector<std::string> open, wrong;
  for (size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const size_t end = html.find('>', at);
    const bool closes = html[at + 1] == '/';
    const size_t name_at = at + (closes ? 2 : 1);
    const std::string name = html.substr(name_at, html.find_first_of(" />\n", name_at) - name_at);
    if (kVoid.count(name) > 0 || html[end - 1] == '/') continue;
    if (!closes) {
      open.push_back(name);
    } else if (!open.empty() && open.back() == name) {
      open.pop_back();
    } else {
      wrong.push_back(name);
    }
  }
  wrong.insert(wrong.end(), open.begin(), open.end());
  return wrong;
}

}  // namespace drawbridge
