// The options of `drawbridge eval run`, and the task and target that they describe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/eval_verbs.h"
#include "eval/http_target.h"
#include "eval/runner.h"
#include "eval/tasks/gsm8k.h"
#include "eval/tasks/needle.h"

namespace drawbridge {

struct EvalRunOptions {
  std::string task;
  EngineOptions engine;
  bool has_context = false;  // --max-context was given
  HttpTargetOptions http;
  int64_t timeout_seconds = 600;

  std::string data;
  std::string fewshot;
  Gsm8kOptions gsm8k;
  uint64_t shuffle_seed = 0;
  std::vector<std::string> filters = {"strict-match", "flexible-extract"};
  NeedleOptions needle;
  std::string tokenizer;
  std::optional<int64_t> index_topk;

  int64_t n_questions = 0;
  int64_t n_trials = 1;
  std::optional<float> temperature;
  std::optional<int64_t> max_tokens;
  RunOptions run;

  std::string out;
};

void add_target_options(CLI::App& verb, EvalRunOptions& options);
void add_task_options(CLI::App& verb, EvalRunOptions& options);

/// Checks ranges, and settles the context that needle items are made for: the model's own unless a smaller one is asked
/// for; of a server it must be told.
Status settle_options(EvalRunOptions& options);

Result<std::unique_ptr<ChatTarget>> make_eval_target(const EvalRunOptions& options);
Result<EvalTask> make_eval_task(const EvalRunOptions& options);
/// As asked for, or of the model in --model; 0: not known.
Result<int64_t> index_topk_of(const EvalRunOptions& options);

}  // namespace drawbridge
