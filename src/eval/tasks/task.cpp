#include "eval/tasks/task.h"

#include <set>

namespace drawbridge {
namespace {

const std::string& question_of(const EvalItem& item) {
  return item.cluster.empty() ? item.id : item.cluster;
}

}  // namespace

void limit_questions(EvalTask& task, int64_t n) {
  if (n <= 0) return;
  std::set<std::string> kept;
  std::vector<EvalItem> items;
  for (EvalItem& item : task.items) {
    const std::string& question = question_of(item);
    if (!kept.contains(question) && static_cast<int64_t>(kept.size()) == n) continue;
    kept.insert(question);
    items.push_back(std::move(item));
  }
  task.items = std::move(items);
}

void repeat_items(EvalTask& task, int64_t n) {
  if (n <= 1) return;
  const std::vector<EvalItem> once = std::move(task.items);
  task.items.clear();
  for (int64_t trial = 0; trial < n; ++trial) {
    for (EvalItem item : once) {
      item.cluster = question_of(item);
      item.trial = trial;
      task.items.push_back(std::move(item));
    }
  }
}

}  // namespace drawbridge
