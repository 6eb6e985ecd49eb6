#include "cli/shown_run.h"

#include <filesystem>

#include "base/log.h"
#include "cli/eval_report.h"
#include "cli/progress_bar.h"
#include "cli/stop_signal.h"

namespace drawbridge {

Result<RunOutcome> run_shown(const EvalTask& task, ChatTarget& target, RunOptions run, const std::string& out) {
  for (const std::string& notice : target.notices()) spdlog::warn("model notice=\"{}\"", notice);
  run.journal_path = out + ".jsonl";
  if (run.label.empty()) run.label = std::filesystem::path(out).filename().string();
  run.should_stop = interrupted;
  ProgressBar bar(task.name);
  std::optional<int64_t> n_before;
  run.on_progress = [&](const RunProgress& p) {
    if (!n_before) n_before = p.n_done;
    bar.show_items({p.n_done, p.n_total, *n_before},
                   fmt::format("score {:.4f}, truncated {}, failed {}", p.score, p.n_truncated, p.n_failed));
  };
  DB_ASSIGN(RunOutcome outcome, run_task(task, target, run));
  if (!outcome.whole) {
    return fail(Code::kCancelled, "stopped; what was answered is kept in {}: the same command goes on",
                run.journal_path);
  }
  DB_TRY(write_result_files(outcome.result, out));
  return outcome;
}

}  // namespace drawbridge
