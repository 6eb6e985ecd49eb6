#include "engine/stop_strings.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace drawbridge {

std::string StopStrings::push(const std::string& piece) {
  if (matched_) return "";
  held_ += piece;
  size_t first = std::string::npos;
  for (const std::string& stop : stops_) {
    const size_t place = stop.empty() ? std::string::npos : held_.find(stop);
    if (place < first) {
      first = place;
      matched_ = stop;
    }
  }
  if (matched_) {
    held_.resize(first);
    return std::exchange(held_, "");
  }
  size_t n_held = 0;
  for (const std::string& stop : stops_) {
    for (size_t n = std::min(stop.size(), held_.size()); n > n_held; --n) {
      if (n < stop.size() && held_.ends_with(std::string_view(stop).substr(0, n))) n_held = n;
    }
  }
  std::string safe = held_.substr(0, held_.size() - n_held);
  held_.erase(0, safe.size());
  return safe;
}

std::string StopStrings::finish() {
  return std::exchange(held_, "");
}

}  // namespace drawbridge
