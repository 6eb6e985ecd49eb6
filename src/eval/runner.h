// Runner: asks a target every item of a task, many at once, keeps each answer in a journal, and scores them.
#pragma once

#include <functional>
#include <string>

#include "eval/chat_target.h"
#include "eval/result.h"
#include "eval/tasks/task.h"

namespace drawbridge {

struct RunProgress {
  int64_t n_done = 0;
  int64_t n_total = 0;
  int64_t n_failed = 0;
  int64_t n_truncated = 0;
  double score = 0;  // mean so far, by the task's first filter
};

struct RunOptions {
  std::string label;         // of the result
  std::string journal_path;  // answers are kept here
  int64_t n_concurrent = 16;
  float top_p = 1;
  uint64_t seed = 0;
  bool enable_thinking = false;
  bool retry_failed = false;                            // asks items again that failed in an earlier run
  std::function<void(const RunProgress&)> on_progress;  // on any thread, one call at a time
  std::function<bool()> should_stop;                    // asked before each item
};

struct RunOutcome {
  SystemResult result;    // one task for each filter; complete only if whole
  bool whole = false;     // false: stopped; the same call goes on
  int64_t n_resumed = 0;  // items that an earlier run had answered
};

/// Errors: the journal cannot be used; no item of many in a row got an answer.
Result<RunOutcome> run_task(const EvalTask& task, ChatTarget& target, const RunOptions& options);

/// Seed of an item's sampling: the same whatever the order, the limit and the other items.
uint64_t item_seed(uint64_t seed, const std::string& id, int64_t trial);

}  // namespace drawbridge
