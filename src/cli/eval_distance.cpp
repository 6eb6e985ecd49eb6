// `drawbridge eval distance`: how far a checkpoint's predictions lie from another's on the same text.
#include "cli/eval_report.h"
#include "cli/eval_verbs.h"
#include "cli/progress_bar.h"
#include "eval/distance.h"

namespace drawbridge {
namespace {

struct DistanceVerbOptions {
  DistanceOptions distance;
  ReportOptions report;
};

Status run_eval_distance(const DistanceVerbOptions& o) {
  EvalReport report;
  {
    ProgressBar bar("reading");
    const auto progress = [&bar](int64_t done, int64_t total) { bar.show_items({done, total, 0}, "tokens"); };
    DB_ASSIGN(report.distribution, measure_distance(o.distance, progress));
  }
  return put_report(report, o.report);
}

}  // namespace

void add_eval_distance(CLI::App& eval, Action& action) {
  CLI::App* verb =
      eval.add_subcommand("distance", "perplexity, divergence, router and indexer agreement of two models");
  const auto o = std::make_shared<DistanceVerbOptions>();
  DistanceOptions& d = o->distance;
  d.engine.max_step_tokens = 128;
  verb->add_option("--model", d.candidate, "HuggingFace directory of the candidate")->required();
  verb->add_option("--reference", d.reference, "HuggingFace directory of the model it is to equal")->required();
  verb->add_option("--text", d.text, "text file; documents end at <|document|>, or else at blank lines")->required();
  verb->add_flag("--join", d.join, "take the text as one document");
  verb->add_option("--context", d.context, "tokens of a window")->capture_default_str();
  verb->add_option("--max-tokens", d.max_tokens, "tokens to read; 0: the whole text")->capture_default_str();
  verb->add_option("--canaries", d.n_canaries, "windows of random tokens met twice, for each length; 0: none")
      ->capture_default_str();
  verb->add_option("--seed", d.seed, "of the canaries")->capture_default_str();
  verb->add_option("--numerics", d.engine.numerics, "serving; parity or parity-f32: as HuggingFace")
      ->capture_default_str();
  verb->add_option("--isa", d.engine.isa, "CPU kernels: auto, avx512, avx2, portable, or scalar")
      ->capture_default_str();
  verb->add_option("--threads", d.engine.n_threads, "of the CPU kernels; 0: as many as there are")
      ->capture_default_str();
  verb->add_option("--max-step-tokens", d.engine.max_step_tokens,
                   "tokens computed in one step; both models' logits of "
                   "a step are in memory")
      ->capture_default_str();
  add_report_options(*verb, o->report);
  verb->callback([o, &action] { action = [o] { return run_eval_distance(*o); }; });
}

}  // namespace drawbridge
