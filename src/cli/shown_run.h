// A run of an evaluation as the command line shows it.
#pragma once

#include <string>

#include "eval/runner.h"

namespace drawbridge {

/// Runs `task` with a progress bar until it is whole, and writes OUT.jsonl, OUT.json and OUT.html. The label defaults
/// to OUT's last part. kCancelled when the user stopped it: what was answered is kept, and the same command goes on.
Result<RunOutcome> run_shown(const EvalTask& task, ChatTarget& target, RunOptions run, const std::string& out);

}  // namespace drawbridge
