// `drawbridge eval tau2-import`: results of the official tau2-bench harness, and whether this program's environment
// agrees with them.
#include <filesystem>
#include <iostream>

#include "base/text_table.h"
#include "cli/eval_verbs.h"
#include "eval/report.h"
#include "eval/tau2/import.h"
#include "eval/tau2/pass_hat_k.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxShown = 20;

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

void add_eval_tau2_import(CLI::App& eval, Action& action) {
  CLI::App* verb = eval.add_subcommand("tau2-import", "take results of the official tau2-bench harness, any domain");
  const auto o = std::make_shared<ImportOptions>();
  verb->add_option("file", o->file, "its result file, or directory with results.json and simulations")->required();
  verb->add_option("-o,--out", o->out, "result to write, for `eval compare`")->required();
  verb->add_option("--label", o->label, "name of the system in reports; default: the file's name");
  verb->add_option("--data", o->data,
                   "mock and retail: the official data directory; every tool call is made again and graded again here");
  verb->callback([o, &action] { action = [o] { return run_import(*o); }; });
}

}  // namespace drawbridge
