#include "eval/run_notes.h"

#include <algorithm>

#include "base/printable.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxListed = 20;

std::string lengths_note(const TaskResult& task, int64_t index_topk) {
  const PromptLengths lengths = prompt_lengths(task, index_topk);
  if (lengths.n == 0) return "prompt tokens: not told by the server\n";
  std::string note = fmt::format("prompt tokens: {} to {}, median {}, 90 % up to {}\n", lengths.shortest,
                                 lengths.longest, lengths.median, lengths.p90);
  if (index_topk == 0) return note;
  note += fmt::format("{} of {} items had more than index_topk = {} tokens", lengths.n_beyond, lengths.n, index_topk);
  return note + (lengths.n_beyond == 0 ? ": the sparse indexer was never put to the test\n" : "\n");
}

std::string listed(const ItemResult& item) {
  std::string line = fmt::format("  {} {}", item_status_name(item.status), printable(item.id));
  if (item.trial > 0) line += fmt::format(" (trial {})", item.trial);
  return item.error.empty() ? line + "\n" : fmt::format("{}: {}\n", line, printable(item.error.substr(0, 200)));
}

std::string unanswered_note(const TaskResult& task) {
  std::string lines;
  size_t n = 0;
  for (const ItemResult& item : task.items) {
    if (item.status != ItemStatus::kAnswered && ++n <= kMaxListed) lines += listed(item);
  }
  if (n == 0) return "every item was answered\n";
  std::string note =
      fmt::format("{} of {} items count as wrong because they have no whole answer:\n", n, task.items.size());
  return note + lines + (n > kMaxListed ? fmt::format("  and {} more\n", n - kMaxListed) : "");
}

}  // namespace

PromptLengths prompt_lengths(const TaskResult& task, int64_t index_topk) {
  PromptLengths lengths;
  std::vector<int64_t> counts;
  for (const ItemResult& item : task.items) {
    if (item.n_prompt == 0) continue;
    counts.push_back(item.n_prompt);
    if (item.n_prompt + item.n_completion > index_topk) ++lengths.n_beyond;
  }
  if (counts.empty()) return lengths;
  std::sort(counts.begin(), counts.end());
  lengths.n = static_cast<int64_t>(counts.size());
  lengths.shortest = counts.front();
  lengths.median = counts[counts.size() / 2];
  lengths.p90 = counts[counts.size() * 9 / 10];
  lengths.longest = counts.back();
  return lengths;
}

/// All filters of a run see the same texts, so the first task says it for all.
std::string run_notes(const SystemResult& system, int64_t index_topk) {
  if (system.tasks.empty()) return {};
  const TaskResult& task = system.tasks.front();
  return lengths_note(task, index_topk) + unanswered_note(task);
}

}  // namespace drawbridge
