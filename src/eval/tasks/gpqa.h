// GPQA-Diamond as openai/simple-evals asks it: its prompt, its order of the choices for the same seed, its way to take
// the letter out of the answer. The questions must not be published, so they come from the official CSV by path.
#pragma once

#include "eval/tasks/data_file.h"
#include "eval/tasks/task.h"

namespace drawbridge {

struct GpqaOptions {
  int64_t n_trials = 1;       // times that each question is asked, with its choices in another order
  uint64_t shuffle_seed = 0;  // simple-evals' own
};

Result<EvalTask> make_gpqa_task(const DataFile& file, const GpqaOptions& options);

/// Letter of the first match of `(?i)Answer[ \t]*:[ \t]*\$?([A-D])\$?`, as it stands there; empty for none.
std::string choice_letter(std::string_view text);

}  // namespace drawbridge
