// `drawbridge eval run`: asks a model, here or on a server, the questions of a task.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "base/text_table.h"
#include "cli/progress_bar.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"
#include "eval/engine_target.h"
#include "eval/runner.h"
#include "eval/tasks/jsonl_task.h"

namespace drawbridge {
namespace {

struct EvalRunOptions {
  EngineOptions engine;
  std::string data;
  std::vector<std::string> filters = {"strict-match", "flexible-extract"};
  std::string out;
  std::string label;
  int64_t n_questions = 0;
  int64_t n_seeds = 1;
  std::optional<float> temperature;
  std::optional<int64_t> max_tokens;
  RunOptions run;
};

Result<EvalTask> make_task(const EvalRunOptions& o) {
  DB_ASSIGN(const DataFile data, read_data_file(o.data));
  DB_ASSIGN(EvalTask task, make_jsonl_task(data, o.filters));
  repeat_items(task, o.n_seeds);
  limit_questions(task, o.n_questions);
  if (o.temperature) task.temperature = *o.temperature;
  if (o.max_tokens) task.max_tokens = *o.max_tokens;
  return task;
}

void print_scores(const SystemResult& result, std::ostream& out) {
  TextTable table({"<Tasks", "Version", "<Filter", "n-shot", "<Metric", "Value"});
  for (const TaskResult& task : result.tasks) {
    double total = 0;
    for (const ItemResult& item : task.items) total += item.score;
    table.add({task.task, fmt::format("{}", task.version), task.filter, fmt::format("{}", task.n_shot), task.metric,
               fmt::format("{:.4f}", total / static_cast<double>(task.items.size()))});
  }
  out << table.text();
}

Status run_eval(EvalRunOptions o) {
  DB_ASSIGN(const EvalTask task, make_task(o));
  catch_interrupts();
  o.engine.max_running = o.run.n_concurrent;
  DB_ASSIGN(const auto target, make_engine_target(o.engine, interrupted));
  ProgressBar bar(task.name);
  std::optional<int64_t> n_before;
  o.run.journal_path = o.out + ".jsonl";
  o.run.label = o.label.empty() ? std::filesystem::path(o.out).filename().string() : o.label;
  o.run.should_stop = interrupted;
  o.run.on_progress = [&](const RunProgress& p) {
    if (!n_before) n_before = p.n_done;
    bar.show_items({p.n_done, p.n_total, *n_before},
                   fmt::format("score {:.4f}, truncated {}, failed {}", p.score, p.n_truncated, p.n_failed));
  };
  DB_ASSIGN(const RunOutcome outcome, run_task(task, *target, o.run));
  if (!outcome.whole) {
    return fail(Code::kCancelled, "stopped; what was answered is kept in {}: the same command goes on",
                o.run.journal_path);
  }
  DB_TRY(write_system_result(outcome.result, o.out + ".json"));
  print_scores(outcome.result, std::cout);
  return Status();
}

}  // namespace

void add_eval_run(CLI::App& eval, Action& action) {
  CLI::App* verb = eval.add_subcommand("run", "ask a model the questions of a task and score its answers");
  const auto o = std::make_shared<EvalRunOptions>();
  add_engine_options(*verb, o->engine);
  verb->add_option("--data", o->data, "the task's questions")->required();
  verb->add_option("--filter", o->filters,
                   "how answers are taken out of the text: strict-match, flexible-extract, exact")
      ->capture_default_str();
  verb->add_option("-o,--out", o->out, "writes OUT.jsonl (answers, as they come) and OUT.json (scores)")->required();
  verb->add_option("--label", o->label, "name of the system in reports; default: OUT's last part");
  verb->add_option("--limit", o->n_questions, "first questions only; 0: all")->capture_default_str();
  verb->add_option("--seeds", o->n_seeds, "times that each question is asked")->capture_default_str();
  verb->add_option("--seed", o->run.seed, "of sampling; same seed, same answers")->capture_default_str();
  verb->add_option("--temperature", o->temperature, "0: greedy; default: the task's");
  verb->add_option("--top-p", o->run.top_p, "nucleus of the distribution")->capture_default_str();
  verb->add_option("--max-tokens", o->max_tokens, "of an answer; default: the task's");
  verb->add_option("--concurrency", o->run.n_concurrent, "questions asked at once")->capture_default_str();
  verb->add_flag("--thinking", o->run.enable_thinking, "let the model reason before it answers");
  verb->add_flag("--retry-failed", o->run.retry_failed, "ask again what failed in the run that is gone on with");
  verb->callback([o, &action] { action = [o] { return run_eval(*o); }; });
}

}  // namespace drawbridge
