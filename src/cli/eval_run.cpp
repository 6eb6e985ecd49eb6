// `drawbridge eval run`: asks a model, here or on a server, the questions of a task.
#include <iostream>

#include "cli/eval_run_options.h"
#include "cli/shown_run.h"
#include "cli/stop_signal.h"
#include "eval/report.h"
#include "eval/run_notes.h"

namespace drawbridge {
namespace {

Status run_eval(EvalRunOptions& o) {
  DB_TRY(settle_options(o));
  DB_ASSIGN(const EvalTask task, make_eval_task(o));
  DB_ASSIGN(const int64_t index_topk, index_topk_of(o));
  catch_interrupts();
  DB_ASSIGN(const auto target, make_eval_target(o));
  DB_ASSIGN(const RunOutcome outcome, run_shown(task, *target, o.run, o.out));
  std::cout << render_terminal({{outcome.result}, {}, {}}) << run_notes(outcome.result, index_topk);
  if (outcome.n_resumed > 0) std::cout << outcome.n_resumed << " answers are of an earlier run of this command\n";
  if (target->n_retries() > 0) std::cout << target->n_retries() << " times a question had to be asked again\n";
  return Status();
}

}  // namespace

void add_eval_run(CLI::App& eval, Action& action) {
  CLI::App* verb = eval.add_subcommand("run", "ask a model the questions of a task and score its answers");
  const auto o = std::make_shared<EvalRunOptions>();
  add_task_options(*verb, *o);
  verb->add_option("-o,--out", o->out, "writes OUT.jsonl (answers, as they come), OUT.json (scores) and OUT.html")
      ->required();
  verb->add_option("--label", o->run.label, "name of the system in reports; default: OUT's last part");
  verb->add_option("--limit", o->n_questions, "first questions only; 0: all")->capture_default_str();
  verb->add_option("--seeds", o->n_trials, "times that each question is asked")->capture_default_str();
  verb->add_option("--seed", o->run.seed, "of sampling; same seed, same answers")->capture_default_str();
  verb->add_option("--temperature", o->temperature, "0: greedy; default: the task's");
  verb->add_option("--top-p", o->run.top_p, "nucleus of the distribution")->capture_default_str();
  verb->add_option("--max-tokens", o->max_tokens, "of an answer; default: the task's");
  verb->add_option("--concurrency", o->run.n_concurrent, "questions asked at once")->capture_default_str();
  verb->add_flag("--thinking", o->run.enable_thinking, "let the model reason before it answers");
  verb->add_flag("--retry-failed", o->run.retry_failed, "ask again what failed in the run that is gone on with");
  add_target_options(*verb, *o);
  verb->callback([o, &action] { action = [o] { return run_eval(*o); }; });
}

}  // namespace drawbridge
