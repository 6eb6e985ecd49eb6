// The clock of a load run: seconds since its start, on a steady clock. Before the start they are negative.
#pragma once

#include <chrono>

namespace drawbridge {

class RunClock {
 public:
  using Clock = std::chrono::steady_clock;

  void start_now() { start_ = Clock::now(); }
  double now_s() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  Clock::time_point at(double seconds) const {
    return start_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

 private:
  Clock::time_point start_ = Clock::now();
};

}  // namespace drawbridge
