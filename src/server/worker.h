// Worker: one thread that runs tasks in the order in which they were posted, and one more task now and then.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace drawbridge {

class Worker {
 public:
  using Task = std::function<void()>;

  /// `tick` runs on the thread about once a `period`.
  explicit Worker(std::chrono::milliseconds period = std::chrono::hours(1), Task tick = {});
  /// Runs what was posted, then ends.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// From any thread; never blocks for long.
  void post(Task task);
  /// Returns when everything posted before has run. Not from a task.
  void flush();

 private:
  void loop();

  const std::chrono::milliseconds period_;
  const Task tick_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace drawbridge
