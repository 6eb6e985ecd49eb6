#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/units.h"

namespace drawbridge {

std::string progress_line(const std::string& what, int64_t done, int64_t total, double seconds) {
  constexpr int kCells = 24;
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1.0;
  const int filled = static_cast<int>(share * kCells);
  std::string line = fmt::format("{} [{:#<{}}{:.<{}}] {:3} %  {} of {}", what, "", filled, "", kCells - filled,
                                 static_cast<int>(100 * share), format_bytes(done), format_bytes(total));
  // A rate over less than this says nothing yet.
  constexpr double kSettled = 0.5;
  if (seconds < kSettled || done <= 0) return line;
  const double per_second = static_cast<double>(done) / seconds;
  line += fmt::format("  {}/s", format_bytes(static_cast<int64_t>(per_second)));
  if (done < total) line += ", " + format_duration(static_cast<double>(total - done) / per_second) + " left";
  return line;
}

ProgressBar::ProgressBar(std::string what) : what_(std::move(what)), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (width_ > 0) std::cerr << '\n';
}

void ProgressBar::show(int64_t done, int64_t total) {
  if (!is_terminal_) return;
  const auto now = Clock::now();
  if (done < total && now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  std::string line = progress_line(what_, done, total, std::chrono::duration<double>(now - started_).count());
  const size_t width = line.size();
  line.append(width_ > width ? width_ - width : 0, ' ');
  width_ = width;
  std::cerr << '\r' << line << std::flush;
}

}  // namespace drawbridge
