// ThreadPool: a fixed set of threads that share one loop at a time. The caller is thread 0.
//
// A range is cut into contiguous parts of about equal cost before it starts; which thread computes what depends on the
// costs alone, and results must not depend on it at all (docs/decisions/0007-row-independence.md).
// A thread without work spins for some microseconds, then sleeps: an idle server uses no CPU.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"

namespace drawbridge {

/// Waits for what other threads make true: a bounded spin first, then sleep.
class Waiter {
 public:
  /// `ready` may only read sequentially consistent atomics, and whoever changes one calls wake() afterwards.
  template <typename Ready>
  void wait(const Ready& ready) {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (ready()) return;
      pause();
    }
    std::unique_lock lock(mutex_);
    ++n_asleep_;
    changed_.wait(lock, ready);
    --n_asleep_;
  }
  void wake();

 private:
  static constexpr int kSpins = 1000;  // some 20 microseconds, the gap between two ops of a step
  static void pause();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> n_asleep_ = 0;
};

class ThreadPool {
 public:
  /// `n_threads` >= 1, the caller's included.
  static Result<std::unique_ptr<ThreadPool>> start(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(from, to, thread) on parts that cover [0, n) once. `cost` is an item's, in multiply-adds: work that is
  /// worth less than waking a thread stays on the caller. Returns when all is done. One caller at a time.
  template <typename Body>
  void parallel_for(int64_t n, int64_t cost, const Body& body) {
    if (size() == 1) return body(int64_t{0}, n, 0);
    run(n * cost, [&](int part, int n_parts) {
      const int64_t from = n * part / n_parts, to = n * (part + 1) / n_parts;
      if (from < to) body(from, to, part);
    });
  }
  /// The same for items of different costs: cost(i) is item i's.
  template <typename Cost, typename Body>
  void parallel_for_weighted(int64_t n, const Cost& cost, const Body& body) {
    if (size() == 1) return body(int64_t{0}, n, 0);
    int64_t total = 0;
    for (int64_t i = 0; i < n; ++i) total += cost(i);
    run(total, [&](int part, int n_parts) {
      const int64_t from_cost = total * part / n_parts, to_cost = total * (part + 1) / n_parts;
      int64_t from = 0, to = 0, spent = 0;  // item i belongs to the part in which its cost begins
      for (; to < n && spent < to_cost; ++to) {
        if (spent < from_cost) from = to + 1;
        spent += cost(to);
      }
      if (part + 1 == n_parts) to = n;  // items that cost nothing at the end
      if (from < to) body(from, to, part);
    });
  }

 private:
  using Task = void (*)(const void* context, int part, int n_parts);
  struct Worker {
    std::thread thread;
    std::atomic<uint32_t> ticket = 0;  // one more for each task
    Task task = nullptr;               // null: end
    const void* context = nullptr;
    int n_parts = 0;
  };
  static constexpr int64_t kMinCost = 1 << 16;  // multiply-adds of a part, about a microsecond

  ThreadPool() = default;

  template <typename Part>
  void run(int64_t total_cost, const Part& part) {
    const int64_t wanted = total_cost / kMinCost;
    const int n_parts = wanted < 1 ? 1 : wanted < size() ? static_cast<int>(wanted) : size();
    run_parts(
        n_parts, [](const void* context, int i, int n) { (*static_cast<const Part*>(context))(i, n); }, &part);
  }
  void run_parts(int n_parts, Task task, const void* context);
  void hand(Worker& worker, Task task, const void* context, int n_parts);
  void work(Worker& worker, int index);

  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<int> n_pending_ = 0;
  Waiter idle_;  // workers wait for a ticket
  Waiter done_;  // the caller waits for the workers
};

}  // namespace drawbridge
