// A progress line on stderr with bytes, rate and time left; silent when stderr is no terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace drawbridge {

class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  ~ProgressBar();

  /// Redraws at most ten times a second.
  void show(int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;

  const std::string what_;
  const bool is_terminal_;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_;
  size_t width_ = 0;  // characters of the last line
};

/// The line for `done` of `total` bytes after `seconds`: "writing [######......] 42 %  1.26 GB of 3.00 GB ...".
std::string progress_line(const std::string& what, int64_t done, int64_t total, double seconds);

}  // namespace drawbridge
