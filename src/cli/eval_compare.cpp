// `drawbridge eval compare`: two results on the same items.
#include "cli/eval_report.h"
#include "cli/eval_verbs.h"

namespace drawbridge {
namespace {

struct CompareOptions {
  std::string baseline;
  std::string candidate;
  PairedOptions paired;
  ReportOptions report;
};

Status run_eval_compare(const CompareOptions& o) {
  DB_ASSIGN(SystemResult baseline, read_system_result(o.baseline));
  DB_ASSIGN(SystemResult candidate, read_system_result(o.candidate));
  EvalReport report;
  DB_ASSIGN(report.comparison, compare_runs(baseline, candidate, o.paired));
  report.systems = {std::move(baseline), std::move(candidate)};
  return put_report(report, o.report);
}

}  // namespace

void add_eval_compare(CLI::App& eval, Action& action) {
  CLI::App* verb = eval.add_subcommand("compare", "is the second result as good as the first, item by item");
  const auto o = std::make_shared<CompareOptions>();
  verb->add_option("baseline", o->baseline, "result of `eval run`")->required();
  verb->add_option("candidate", o->candidate, "result of `eval run` on the same items")->required();
  verb->add_option("--margin", o->paired.margin, "largest loss that does not matter, as a share: 0.01 is a point")
      ->capture_default_str();
  verb->add_option("--confidence", o->paired.confidence, "of the interval")->capture_default_str();
  verb->add_option("--resamples", o->paired.n_resamples, "of the bootstrap over questions")->capture_default_str();
  verb->add_option("--seed", o->paired.seed, "of the bootstrap")->capture_default_str();
  add_report_options(*verb, o->report);
  verb->callback([o, &action] { action = [o] { return run_eval_compare(*o); }; });
}

}  // namespace drawbridge
