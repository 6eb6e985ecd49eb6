// compare_runs: two results on the same items, paired. Failed and truncated answers are wrong answers; an item that
// only one system has is an error, never dropped: what was left out may be what went wrong.
#pragma once

#include <string>
#include <vector>

#include "eval/result.h"
#include "stats/paired.h"

namespace drawbridge {

/// Mean score of one system on one task.
struct TaskScore {
  double value = 0;
  double standard_error = 0;  // over clusters
  int64_t n_items = 0;
  int64_t n_truncated = 0;
  int64_t n_failed = 0;
};
TaskScore score_of(const TaskResult& task);

struct TaskComparison {
  std::string task;
  int64_t version = 0;
  std::string filter;
  int64_t n_shot = 0;
  std::string metric;
  TaskScore baseline;
  TaskScore candidate;
  PairedReport paired;
  int64_t n_unpaired_needed = 0;  // questions a side, had the systems been asked different ones
  int64_t n_changed_answers = 0;  // answers whose text differs, right or wrong
  std::vector<std::string> lost;  // ids (with "#trial" if not the first) that scored less with the candidate
  std::vector<std::string> won;   // ids that scored more
};

struct Comparison {
  std::string baseline_label;
  std::string candidate_label;
  PairedOptions options;
  std::vector<TaskComparison> tasks;
  std::vector<std::string> notes;  // what the reader must know: settings that differ, tasks of one side only
};

/// Errors: no task in common, items of one side only, one item with two expected answers.
Result<Comparison> compare_runs(const SystemResult& baseline, const SystemResult& candidate,
                                const PairedOptions& options);

}  // namespace drawbridge
