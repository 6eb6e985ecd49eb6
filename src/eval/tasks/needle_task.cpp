#include "eval/tasks/needle_task.h"

#include "base/sha256.h"

namespace drawbridge {

Result<EvalTask> make_needle_task(const NeedleOptions& options, const TokenCounter& count_tokens) {
  EvalTask task;
  task.name = "needle";
  task.max_tokens = 64;
  DB_ASSIGN(task.items, needle_items(options, count_tokens));
  task.filters = {{"first-number", [](const EvalItem& item, const std::string& text) {
                     return ScoredAnswer{std::string(first_number(text)), score_needle(text, item.expected)};
                   }}};
  task.manifest = {{"index_topk", options.index_topk},
                   {"max_context", options.max_context},
                   {"n_per_length", options.n_per_length},
                   {"seed", options.seed},
                   {"chat", options.chat},
                   {"haystack", sha256_of(options.haystack)}};
  return task;
}

}  // namespace drawbridge
