// Answers: all that are open. Their parsing and JSON run on one worker thread, so that neither the engine thread nor
// the io threads do it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>

#include "server/answer.h"
#include "server/worker.h"

namespace drawbridge {

class Answers {
 public:
  /// `engine` and `metrics` must outlive this.
  Answers(Engine& engine, Metrics& metrics);
  /// Cancels what is open and drains the engine, so that no sink is called afterwards.
  ~Answers();

  /// From any thread.
  void start(Call call, AnswerForm form, std::vector<AnswerPart> parts);
  void fail_all(const ApiError& error);
  /// False when answers are still open after `grace`.
  bool wait_idle(std::chrono::milliseconds grace);
  size_t n_open();

 private:
  void open(const std::shared_ptr<Answer>& answer);
  void close(const std::shared_ptr<Answer>& answer);

  Engine& engine_;
  Metrics& metrics_;
  std::set<std::shared_ptr<Answer>> open_;  // of the worker's thread
  std::mutex mutex_;
  std::condition_variable idle_;
  size_t n_open_ = 0;  // started and not ended; under the mutex
  Worker worker_;
};

}  // namespace drawbridge
