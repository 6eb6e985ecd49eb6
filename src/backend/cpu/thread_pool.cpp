#include "backend/cpu/thread_pool.h"

#include <pthread.h>

#include <system_error>

namespace drawbridge {

void Waiter::wake() {
  // Sequentially consistent: either this load sees the sleeper, or the sleeper's first look sees the change.
  if (n_asleep_.load() == 0) return;
  { const std::lock_guard lock(mutex_); }
  changed_.notify_all();
}

void Waiter::pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

Result<std::unique_ptr<ThreadPool>> ThreadPool::start(int n_threads) {
  std::unique_ptr<ThreadPool> pool(new ThreadPool);
  try {
    for (int i = 1; i < n_threads; ++i) {
      Worker& worker = *pool->workers_.emplace_back(std::make_unique<Worker>());
      worker.thread = std::thread([p = pool.get(), &worker, i] { p->work(worker, i); });
      const std::string name = fmt::format("cpu-{}", i);
      pthread_setname_np(worker.thread.native_handle(), name.c_str());
    }
  } catch (const std::system_error& error) {
    pool->workers_.pop_back();
    return fail(Code::kResourceExhausted, "--threads: wanted {}, the system refuses number {}: {}", n_threads,
                pool->size() + 1, error.what());
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  for (const auto& worker : workers_) hand(*worker, nullptr, nullptr, 0);
  idle_.wake();
  for (const auto& worker : workers_) worker->thread.join();
}

void ThreadPool::hand(Worker& worker, Task task, const void* context, int n_parts) {
  worker.task = task;
  worker.context = context;
  worker.n_parts = n_parts;
  worker.ticket.store(worker.ticket.load() + 1);
}

void ThreadPool::run_parts(int n_parts, Task task, const void* context) {
  n_pending_.store(n_parts - 1);
  for (int i = 1; i < n_parts; ++i) hand(*workers_[static_cast<size_t>(i - 1)], task, context, n_parts);
  if (n_parts > 1) idle_.wake();
  task(context, 0, n_parts);
  if (n_parts > 1) done_.wait([&] { return n_pending_.load() == 0; });
}

void ThreadPool::work(Worker& worker, int index) {
  for (uint32_t seen = 0;; ++seen) {
    idle_.wait([&] { return worker.ticket.load() != seen; });
    if (worker.task == nullptr) return;
    worker.task(worker.context, index, worker.n_parts);
    if (n_pending_.fetch_sub(1) == 1) done_.wake();
  }
}

}  // namespace drawbridge
