// StopStrings: finds the first of several strings in a stream of text pieces and holds back text that may still
// become one. The stop string itself is never let through.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace drawbridge {

class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  /// Text that is safe to show after this piece. Once matched() is set, nothing more comes.
  std::string push(const std::string& piece);
  /// What was held back, when the text ends without a match.
  std::string finish();
  const std::optional<std::string>& matched() const { return matched_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::optional<std::string> matched_;
};

}  // namespace drawbridge
