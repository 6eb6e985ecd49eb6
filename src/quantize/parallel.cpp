#include "quantize/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace drawbridge {

Status run_parallel(size_t count, int64_t n_threads, const std::function<Status(size_t)>& job) {
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  size_t first = count;
  Status failure;
  const auto work = [&] {
    while (!failed) {
      const size_t i = next++;
      if (i >= count) return;
      Status status = job(i);
      if (status.ok()) continue;
      failed = true;
      const std::lock_guard lock(mutex);
      if (i < first) {
        first = i;
        failure = std::move(status);
      }
    }
  };
  const auto n_extra =
      std::min<size_t>(count, static_cast<size_t>(std::max<int64_t>(1, n_threads))) - (count > 0 ? 1 : 0);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < n_extra; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return failure;
}

}  // namespace drawbridge
