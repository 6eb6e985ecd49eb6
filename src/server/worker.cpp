#include "server/worker.h"

#include <future>

namespace drawbridge {

Worker::Worker(std::chrono::milliseconds period, Task tick)
    : period_(period), tick_(std::move(tick)), thread_([this] { loop(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::post(Task task) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (was_empty) wake_.notify_one();
}

void Worker::flush() {
  std::promise<void> reached;
  post([&reached] { reached.set_value(); });
  reached.get_future().wait();
}

void Worker::loop() {
  auto next_tick = std::chrono::steady_clock::now() + period_;
  for (bool stopping = false; !stopping;) {
    std::vector<Task> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, next_tick, [&] { return stopping_ || !tasks_.empty(); });
      batch.swap(tasks_);
      stopping = stopping_ && batch.empty();
    }
    for (Task& task : batch) task();
    if (std::chrono::steady_clock::now() < next_tick) continue;
    if (tick_) tick_();
    next_tick = std::chrono::steady_clock::now() + period_;
  }
}

}  // namespace drawbridge
