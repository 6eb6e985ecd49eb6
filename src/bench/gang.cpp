#include "bench/gang.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace drawbridge {
namespace {

using Clock = std::chrono::steady_clock;

/// Pins this thread to the `index`-th CPU that the process may use; where that fails the system places it.
void pin(int64_t index) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || index-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)::sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

double thread_cpu_seconds() {
  timespec time = {};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

GangTime run_gang(int64_t n_threads, const std::function<void(int64_t)>& body) {
  std::atomic<int64_t> n_ready = 0;
  std::atomic<bool> go = false;
  std::vector<Clock::time_point> started(static_cast<size_t>(n_threads)), ended(started.size());
  std::vector<double> cpu_seconds(started.size());
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < n_threads; ++t) {
    threads.emplace_back([&, t] {
      pin(t);
      ++n_ready;
      while (!go) std::this_thread::yield();
      const double cpu_before = thread_cpu_seconds();
      started[static_cast<size_t>(t)] = Clock::now();
      body(t);
      ended[static_cast<size_t>(t)] = Clock::now();
      cpu_seconds[static_cast<size_t>(t)] = thread_cpu_seconds() - cpu_before;
    });
  }
  while (n_ready < n_threads) std::this_thread::yield();
  go = true;
  for (std::thread& thread : threads) thread.join();
  const auto first = *std::min_element(started.begin(), started.end());
  const auto last = *std::max_element(ended.begin(), ended.end());
  GangTime time;
  time.seconds = std::chrono::duration<double>(last - first).count();
  const double in_all = time.seconds * static_cast<double>(n_threads);
  time.cpu_share = std::min(1.0, std::accumulate(cpu_seconds.begin(), cpu_seconds.end(), 0.0) / in_all);
  return time;
}

}  // namespace drawbridge
