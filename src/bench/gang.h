// Threads that start together, each on a CPU of its own, timed from the first start to the last end.
#pragma once

#include <cstdint>
#include <functional>

namespace drawbridge {

struct GangTime {
  double seconds = 0;    // from the first start to the last end
  double cpu_share = 1;  // of that time, how much the threads had a CPU: below 1 something else ran there
};

/// Runs body(thread) on `n_threads` threads.
GangTime run_gang(int64_t n_threads, const std::function<void(int64_t)>& body);

}  // namespace drawbridge
