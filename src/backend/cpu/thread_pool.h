// ThreadPool: a fixed set of threads that share one loop at a time. The caller is thread 0.
//
// A range is cut into contiguous parts of about equal cost before it starts; a thread takes the next part when it is
// free, so nobody waits for a thread that the system has put aside. Which thread computes what is left to chance, and
// results must not depend on it (docs/decisions/0007-row-independence.md).
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
  static constexpr int kSpins = 1000;  // some 20 microseconds, more than the gap between two ops of a step
  static void pause();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> n_asleep_ = 0;
};

class ThreadPool {
 public:
  /// `n_threads` >= 1, the caller's included. With `pin` each worker keeps to one of the CPUs that the process may use;
  /// the caller stays the system's to place, for threads that it starts would follow it.
  static Result<std::unique_ptr<ThreadPool>> start(int n_threads, bool pin = false);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }
  /// Loops that were shared, and how long the caller waited at their ends. For the caller's thread.
  int64_t n_regions() const { return n_regions_; }
  int64_t wait_ns() const { return wait_ns_; }

  /// Calls body(from, to, thread) on parts that cover [0, n) once. `cost` is an item's, in multiply-adds: work that is
  /// worth less than waking a thread stays on the caller. Returns when all is done. One caller at a time.
  template <typename Body>
  void parallel_for(int64_t n, int64_t cost, const Body& body) {
    run(n * cost, [&](int part, int n_parts, int thread) {
      const int64_t from = n * part / n_parts, to = n * (part + 1) / n_parts;
      if (from < to) body(from, to, thread);
    });
  }
  /// The same for items of different costs: cost(i) is item i's.
  template <typename Cost, typename Body>
  void parallel_for_weighted(int64_t n, const Cost& cost, const Body& body) {
    int64_t total = 0;
    for (int64_t i = 0; i < n && size() > 1; ++i) total += cost(i);
    run(total, [&](int part, int n_parts, int thread) {
      if (n_parts == 1) return body(int64_t{0}, n, thread);
      const int64_t from_cost = total * part / n_parts, to_cost = total * (part + 1) / n_parts;
      int64_t from = 0, to = 0, spent = 0;  // an item belongs to the part in which its cost begins
      for (; to < n && spent < to_cost; ++to) {
        if (spent < from_cost) from = to + 1;
        spent += cost(to);
      }
      if (part + 1 == n_parts) to = n;  // items without cost at the end
      if (from < to) body(from, to, thread);
    });
  }

 private:
  using Task = void (*)(const void* context, int part, int n_parts, int thread);
  static constexpr int64_t kMinCost = 1 << 18;  // multiply-adds of a part, some microseconds
  static constexpr int64_t kPartsPerThread = 4;

  ThreadPool() = default;

  template <typename Part>
  void run(int64_t total_cost, const Part& part) {
    const int64_t most = size() == 1 ? 1 : size() * kPartsPerThread, worth = total_cost / kMinCost;
    const auto n_parts = static_cast<int>(worth < 1 ? 1 : worth < most ? worth : most);
    if (n_parts == 1) return part(0, 1, 0);
    const Task task = [](const void* context, int i, int n, int thread) {
      (*static_cast<const Part*>(context))(i, n, thread);
    };
    run_parts(n_parts, task, &part);
  }
  void run_parts(int n_parts, Task task, const void* context);
  void take_parts(int thread);
  void work(int thread);

  std::vector<std::thread> workers_;
  // The loop at hand: number << 32 | parts << 16 | next part. A part belongs to whoever advances this word; that it
  // advanced also says that `task_` and `context_`, read before, are this loop's.
  std::atomic<uint64_t> loop_ = 0;
  std::atomic<Task> task_ = nullptr;
  std::atomic<const void*> context_ = nullptr;
  std::atomic<int> n_unfinished_ = 0;  // parts
  std::atomic<bool> ending_ = false;
  int64_t n_regions_ = 0;  // this and the next are the caller's
  int64_t wait_ns_ = 0;
  Waiter idle_;  // workers wait for parts
  Waiter done_;  // the caller waits for parts in other hands
};

}  // namespace drawbridge
