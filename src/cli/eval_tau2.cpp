// `drawbridge eval tau2`: tau2-bench's mock and retail domains, played here. `drawbridge eval tau2-import`: results of
// the official harness, of any domain, and whether this program's environment agrees with them.
#include <filesystem>
#include <iostream>

#include "cli/eval_run_options.h"
#include "cli/shown_run.h"
#include "cli/stop_signal.h"
#include "eval/report.h"
#include "eval/run_notes.h"
#include "eval/tau2/import.h"
#include "eval/tau2/pass_hat_k.h"
#include "eval/tau2/simulation.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxShown = 20;

const std::map<std::string, tau2::JudgedTasks> kJudged = {{"refuse", tau2::JudgedTasks::kRefuse},
                                                          {"exclude", tau2::JudgedTasks::kExclude},
                                                          {"ignore", tau2::JudgedTasks::kPartial}};

struct Tau2Options {
  tau2::SimulationOptions simulation;
  EvalRunOptions agent;  // its target and the run
  HttpTargetOptions user;
};

struct ImportOptions {
  std::string file;
  std::string out;
  std::string label;
  std::string data;
};

void print_scores(const SystemResult& system) {
  std::cout << render_terminal({{system}, {}, {}});
  for (const TaskResult& task : system.tasks) {
    const std::vector<double> shares = tau2::pass_hat_k(task);
    for (size_t k = 1; k <= shares.size(); ++k) fmt::print("pass^{}: {:.4f}\n", k, shares[k - 1]);
  }
}

Status check_options(const Tau2Options& o) {
  const auto check = [](const char* option, int64_t value, int64_t most) -> Status {
    if (value >= 1 && value <= most) return Status();
    return fail(Code::kInvalidArgument, "{}: wanted 1 to {}, found {}", option, most, value);
  };
  DB_TRY(check("--trials", o.agent.n_trials, 1000));
  DB_TRY(check("--concurrency", o.agent.run.n_concurrent, 4096));
  DB_TRY(check("--max-steps", o.simulation.limits.max_steps, 100000));
  DB_TRY(check("--max-errors", o.simulation.limits.max_errors, 100000));
  DB_TRY(check("--max-tokens", o.simulation.agent_max_tokens, 1 << 20));
  return check("--user-max-tokens", o.simulation.user_max_tokens, 1 << 20);
}

Status run_tau2(const Tau2Options& o) {
  DB_TRY(check_options(o));
  DB_ASSIGN(const auto simulation, tau2::load_simulation(o.simulation));
  EvalTask task = tau2::make_simulation_task(simulation);
  limit_questions(task, o.agent.n_questions);
  repeat_items(task, o.agent.n_trials);
  catch_interrupts();
  DB_ASSIGN(const auto agent, make_eval_target(o.agent));
  std::unique_ptr<ChatTarget> other_user;
  if (!o.user.url.empty()) {
    HttpTargetOptions user = o.user;
    user.should_stop = interrupted;
    user.read_timeout = std::chrono::seconds(o.agent.timeout_seconds);
    user.n_retries = o.agent.http.n_retries;
    DB_ASSIGN(other_user, HttpTarget::create(user));
  }
  const auto target = tau2::make_simulation_target(simulation, *agent, other_user ? *other_user : *agent);
  DB_ASSIGN(const RunOutcome outcome, run_shown(task, *target, o.agent.run, o.agent.out));
  print_scores(outcome.result);
  std::cout << run_notes(outcome.result, 0);
  if (outcome.n_resumed > 0) fmt::print("{} conversations are of an earlier run of this command\n", outcome.n_resumed);
  return Status();
}

/// Compares the results with the built-in environment; a difference is an error.
Status check_results(const Json& results, const ImportOptions& o) {
  DB_ASSIGN(const std::string domain, tau2::domain_of(results, o.file));
  DB_ASSIGN(const tau2::DataSet data, tau2::load_data_set(o.data, domain, ""));
  DB_ASSIGN(const tau2::Regrade regrade, tau2::regrade_official_results(results, data.fresh, o.file));
  fmt::print("graded again: {} simulations, {} tool calls; {} rewards without their judged part; {} broke off\n",
             regrade.n_simulations, regrade.n_calls, regrade.n_partly_graded, regrade.n_broken);
  const size_t n = regrade.disagreements.size();
  for (size_t i = 0; i < std::min(n, kMaxShown); ++i) {
    fmt::print("{}: {}\n", regrade.disagreements[i].simulation, regrade.disagreements[i].what);
  }
  if (n == 0) return Status();
  return fail(Code::kCorrupt, "{}: {} tool answers or rewards are not what this program finds", o.file, n);
}

Status run_import(const ImportOptions& o) {
  DB_ASSIGN(const Json results, tau2::read_official_results(o.file));
  const std::string label = o.label.empty() ? std::filesystem::path(o.file).stem().string() : o.label;
  DB_ASSIGN(const SystemResult system, tau2::import_official_results(results, label, o.file));
  DB_TRY(write_system_result(system, o.out));
  print_scores(system);
  return o.data.empty() ? Status() : check_results(results, o);
}

}  // namespace

namespace {

void add_play_options(CLI::App& verb, Tau2Options& o) {
  verb.add_option("domain", o.simulation.domain, "mock or retail")->required();
  verb.add_option("--data", o.simulation.directory, "tau2-bench's data directory, with tau2/domains in it")->required();
  verb.add_option("--split", o.simulation.split, "tasks of split_tasks.json; empty: all")->capture_default_str();
  verb.add_option("--prompts", o.simulation.prompts_path,
                  "other instructions and tool schemas, such as the official ones");
  verb.add_option("--nl-assertions", o.simulation.judged,
                  "tasks whose reward needs a judge: refuse, exclude, or ignore that part of it")
      ->transform(CLI::CheckedTransformer(kJudged))
      ->option_text("TREATMENT [refuse]");
  verb.add_option("--max-steps", o.simulation.limits.max_steps, "messages of a conversation")->capture_default_str();
  verb.add_option("--max-errors", o.simulation.limits.max_errors, "failed tool calls of one")->capture_default_str();
  verb.add_option("--limit", o.agent.n_questions, "first tasks only; 0: all")->capture_default_str();
  verb.add_option("--trials", o.agent.n_trials, "conversations of each task")->capture_default_str();
}

void add_model_options(CLI::App& verb, Tau2Options& o) {
  verb.add_option("--temperature", o.simulation.agent_temperature, "of the agent; 0: greedy")->capture_default_str();
  verb.add_option("--max-tokens", o.simulation.agent_max_tokens, "of a message of the agent")->capture_default_str();
  verb.add_flag("--thinking", o.agent.run.enable_thinking, "let the agent reason before it answers");
  verb.add_option("--user-url", o.user.url, "OpenAI-compatible server that plays the user; default: the agent's model");
  verb.add_option("--user-model", o.user.model, "with --user-url: its model; default: the first it lists");
  verb.add_option("--user-api-key", o.user.api_key, "with --user-url: the server's key");
  verb.add_option("--user-temperature", o.simulation.user_temperature, "of the user")->capture_default_str();
  verb.add_option("--user-max-tokens", o.simulation.user_max_tokens, "of a message of the user")->capture_default_str();
}

void add_play(CLI::App& eval, Action& action) {
  CLI::App* verb = eval.add_subcommand("tau2", "play tau2-bench's conversations with a simulated user");
  const auto o = std::make_shared<Tau2Options>();
  add_play_options(*verb, *o);
  add_model_options(*verb, *o);
  verb->add_option("-o,--out", o->agent.out,
                   "writes OUT.jsonl (conversations, as they end), OUT.json (scores) and OUT.html")
      ->required();
  verb->add_option("--label", o->agent.run.label, "name of the system in reports; default: OUT's last part");
  verb->add_option("--seed", o->agent.run.seed, "of sampling; same seed, same answers")->capture_default_str();
  verb->add_option("--concurrency", o->agent.run.n_concurrent, "conversations at once")->capture_default_str();
  verb->add_flag("--retry-failed", o->agent.run.retry_failed, "play again what failed in the run that is gone on with");
  add_target_options(*verb, o->agent);
  verb->callback([o, &action] { action = [o] { return run_tau2(*o); }; });
}

void add_import(CLI::App& eval, Action& action) {
  CLI::App* verb = eval.add_subcommand("tau2-import", "take results of the official tau2-bench harness, any domain");
  const auto o = std::make_shared<ImportOptions>();
  verb->add_option("file", o->file, "its result file, or directory with results.json and simulations")->required();
  verb->add_option("-o,--out", o->out, "result to write, for `eval compare`")->required();
  verb->add_option("--label", o->label, "name of the system in reports; default: the file's name");
  verb->add_option("--data", o->data,
                   "mock and retail: the official data directory; every tool call is made again and graded again here");
  verb->callback([o, &action] { action = [o] { return run_import(*o); }; });
}

}  // namespace

void add_eval_tau2(CLI::App& eval, Action& action) {
  add_play(eval, action);
  add_import(eval, action);
}

}  // namespace drawbridge
