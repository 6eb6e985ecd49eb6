// A progress line on stderr with what is done and the time left; silent when stderr is no terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace drawbridge {

struct ItemCounts {
  int64_t done = 0;
  int64_t total = 0;
  int64_t before = 0;  // done when the clock started
};

class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  ~ProgressBar();

  /// Bytes. Redraws at most ten times a second, as does show_items.
  void show(int64_t done, int64_t total);
  /// Things that are counted, with a note at the end of the line.
  void show_items(const ItemCounts& items, const std::string& note);

 private:
  using Clock = std::chrono::steady_clock;

  bool is_due(bool last);
  double seconds() const;
  void draw(std::string line);

  const std::string what_;
  const bool is_terminal_;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_;
  size_t width_ = 0;  // characters of the last line
};

/// The line for `done` of `total` bytes after `seconds`: "writing [######......] 42 %  1.26 GB of 3.00 GB ...".
std::string progress_line(const std::string& what, int64_t done, int64_t total, double seconds);

/// "sums [######......] 25 %  100 of 400  ..., 12 s left".
std::string item_progress_line(const std::string& what, const ItemCounts& items, double seconds,
                               const std::string& note);

}  // namespace drawbridge
