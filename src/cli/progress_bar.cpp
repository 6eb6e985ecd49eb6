#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/units.h"

namespace drawbridge {

namespace {

// A rate over less than this says nothing yet.
constexpr double kSettledSeconds = 0.5;

/// "what [######......]  42 %".
std::string bar(const std::string& what, int64_t done, int64_t total) {
  constexpr int kCells = 24;
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1.0;
  const int filled = static_cast<int>(share * kCells);
  return fmt::format("{} [{:#<{}}{:.<{}}] {:3} %", what, "", filled, "", kCells - filled,
                     static_cast<int>(100 * share));
}

std::string time_left(int64_t left, double per_second) {
  return left > 0 ? ", " + format_duration(static_cast<double>(left) / per_second) + " left" : "";
}

}  // namespace

std::string progress_line(const std::string& what, int64_t done, int64_t total, double seconds) {
  std::string line = fmt::format("{}  {} of {}", bar(what, done, total), format_bytes(done), format_bytes(total));
  if (seconds < kSettledSeconds || done <= 0) return line;
  const double per_second = static_cast<double>(done) / seconds;
  return line + fmt::format("  {}/s", format_bytes(static_cast<int64_t>(per_second))) +
         time_left(total - done, per_second);
}

std::string item_progress_line(const std::string& what, const ItemCounts& items, double seconds,
                               const std::string& note) {
  std::string line = fmt::format("{}  {} of {}  {}", bar(what, items.done, items.total), items.done, items.total, note);
  const int64_t done_now = items.done - items.before;
  if (seconds < kSettledSeconds || done_now <= 0) return line;
  return line + time_left(items.total - items.done, static_cast<double>(done_now) / seconds);
}

ProgressBar::ProgressBar(std::string what) : what_(std::move(what)), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (width_ > 0) std::cerr << '\n';
}

void ProgressBar::show(int64_t done, int64_t total) {
  if (is_due(done >= total)) draw(progress_line(what_, done, total, seconds()));
}

void ProgressBar::show_items(const ItemCounts& items, const std::string& note) {
  if (is_due(items.done >= items.total)) draw(item_progress_line(what_, items, seconds(), note));
}

/// The last state is always drawn.
bool ProgressBar::is_due(bool last) {
  if (!is_terminal_) return false;
  const auto now = Clock::now();
  if (!last && now - drawn_ < std::chrono::milliseconds(100)) return false;
  drawn_ = now;
  return true;
}

double ProgressBar::seconds() const {
  return std::chrono::duration<double>(Clock::now() - started_).count();
}

void ProgressBar::draw(std::string line) {
  const size_t width = line.size();
  line.append(width_ > width ? width_ - width : 0, ' ');
  width_ = width;
  std::cerr << '\r' << line << std::flush;
}

}  // namespace drawbridge
