#include "backend/cpu/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <cstring>
#include <system_error>

namespace drawbridge {
namespace {

constexpr uint64_t kField = 0xffff;

int part_of(uint64_t loop) {
  return static_cast<int>(loop & kField);
}
int n_parts_of(uint64_t loop) {
  return static_cast<int>((loop >> 16) & kField);
}
bool has_parts(uint64_t loop) {
  return part_of(loop) < n_parts_of(loop);
}

/// The CPUs that this process may use, ascending.
std::vector<int> allowed_cpus() {
  cpu_set_t set;
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

/// Worker i to the i-th CPU but one: the first is left to the caller.
Status pin_threads(std::vector<std::thread>& workers) {
  const std::vector<int> cpus = allowed_cpus();
  if (workers.size() >= cpus.size()) {
    return fail(Code::kInvalidArgument, "--pin-threads: wanted a CPU for each of {} threads, found {}",
                workers.size() + 1, cpus.size());
  }
  for (size_t i = 0; i < workers.size(); ++i) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpus[i + 1], &one);
    const int error = ::pthread_setaffinity_np(workers[i].native_handle(), sizeof one, &one);
    if (error != 0) {
      return fail(Code::kUnavailable, "--pin-threads: the system refuses CPU {}: {}", cpus[i + 1],
                  std::strerror(error));
    }
  }
  return Status();
}

}  // namespace

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

Result<std::unique_ptr<ThreadPool>> ThreadPool::start(int n_threads, bool pin) {
  DB_CHECK(n_threads >= 1 && n_threads * kPartsPerThread <= static_cast<int64_t>(kField));
  std::unique_ptr<ThreadPool> pool(new ThreadPool);
  try {
    for (int i = 1; i < n_threads; ++i) {
      std::thread& thread = pool->workers_.emplace_back([p = pool.get(), i] { p->work(i); });
      const std::string name = fmt::format("cpu-{}", i);
      pthread_setname_np(thread.native_handle(), name.c_str());
    }
  } catch (const std::system_error& error) {
    return fail(Code::kResourceExhausted, "--threads: wanted {}, the system refuses number {}: {}", n_threads,
                pool->size() + 1, error.what());
  }
  if (pin) DB_TRY(pin_threads(pool->workers_));
  return pool;
}

ThreadPool::~ThreadPool() {
  ending_.store(true);
  idle_.wake();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_parts(int n_parts, Task task, const void* context) {
  task_.store(task);
  context_.store(context);
  n_unfinished_.store(n_parts);
  const uint64_t number = (loop_.load() >> 32) + 1;
  loop_.store(number << 32 | static_cast<uint64_t>(n_parts) << 16);
  idle_.wake();
  take_parts(0);
  ++n_regions_;
  if (n_unfinished_.load() == 0) return;
  const auto waiting = std::chrono::steady_clock::now();
  done_.wait([&] { return n_unfinished_.load() == 0; });
  wait_ns_ += std::chrono::nanoseconds(std::chrono::steady_clock::now() - waiting).count();
}

void ThreadPool::take_parts(int thread) {
  for (uint64_t loop = loop_.load(); has_parts(loop);) {
    const Task task = task_.load();
    const void* const context = context_.load();
    if (!loop_.compare_exchange_weak(loop, loop + 1)) continue;
    task(context, part_of(loop), n_parts_of(loop), thread);
    if (n_unfinished_.fetch_sub(1) == 1) done_.wake();
    loop = loop_.load();
  }
}

void ThreadPool::work(int thread) {
  while (true) {
    idle_.wait([&] { return ending_.load() || has_parts(loop_.load()); });
    if (ending_.load()) return;
    take_parts(thread);
  }
}

}  // namespace drawbridge
