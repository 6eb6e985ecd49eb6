// A task of anybody's own questions, one JSON object a line: {"id", "prompt" or "messages", "answer"}, and "cluster"
// where several items belong to one question.
#pragma once

#include "eval/tasks/data_file.h"
#include "eval/tasks/task.h"

namespace drawbridge {

/// `filters`: strict-match, flexible-extract or exact, at least one. The task is named after the file.
Result<EvalTask> make_jsonl_task(const DataFile& file, const std::vector<std::string>& filters);

}  // namespace drawbridge
