// The needle items as a task of eval run.
#pragma once

#include "eval/tasks/needle.h"
#include "eval/tasks/task.h"

namespace drawbridge {

Result<EvalTask> make_needle_task(const NeedleOptions& options, const TokenCounter& count_tokens);

}  // namespace drawbridge
