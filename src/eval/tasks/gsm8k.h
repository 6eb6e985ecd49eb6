// GSM8K as lm-eval asks it (task gsm8k, version 3): the same prompts for the same seed, the same stop strings, both of
// its filters.
#pragma once

#include "eval/tasks/data_file.h"
#include "eval/tasks/task.h"

namespace drawbridge {

enum class PromptForm {
  kCompletion,  // one text to go on with
  kChat,        // that text as one user's message (lm-eval --apply_chat_template)
  kMultiturn,   // each example as a turn of its own (and --fewshot_as_multiturn)
};

struct Gsm8kOptions {
  int64_t n_shot = 5;
  uint64_t fewshot_seed = 1234;  // lm-eval's default
  PromptForm form = PromptForm::kCompletion;
};

/// `examples`: where the few-shot examples are drawn from (train.jsonl), for n_shot > 0.
Result<EvalTask> make_gsm8k_task(const DataFile& questions, const DataFile* examples, const Gsm8kOptions& options);

}  // namespace drawbridge
