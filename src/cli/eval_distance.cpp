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

Status run_eval_distance(DistanceVerbOptions o) {
  // The arithmetic is that of both; inputs of products and the cache may be the candidate's own.
  o.distance.reference.numerics = o.distance.candidate.numerics;
  o.distance.reference.isa = o.distance.candidate.isa;
  o.distance.reference.n_threads = o.distance.candidate.n_threads;
  EvalReport report;
  {
    ProgressBar bar("reading");
    const auto progress = [&bar](int64_t done, int64_t total) { bar.show_items({done, total, 0}, "tokens"); };
    DB_ASSIGN(report.distribution, measure_distance(o.distance, progress));
  }
  return put_report(report, o.report);
}

void add_text_options(CLI::App& verb, DistanceOptions& d) {
  verb.add_option("--text", d.text, "text file; documents end at <|document|>, or else at blank lines")->required();
  verb.add_flag("--join", d.join, "take the text as one document");
  verb.add_flag("!--no-prefix", d.prefix, "windows without [gMASK]<sop> before them");
  verb.add_option("--context", d.context, "tokens of a window; 0: 4 times index_topk, if the models can")
      ->capture_default_str();
  verb.add_option("--max-tokens", d.max_tokens, "tokens to read; 0: the whole text")->capture_default_str();
  verb.add_option("--canaries", d.n_canaries, "windows of random tokens met twice, for each length; 0: none")
      ->capture_default_str();
  verb.add_option("--seed", d.seed, "of the canaries")->capture_default_str();
}

}  // namespace

void add_eval_distance(CLI::App& eval, Action& action) {
  CLI::App* verb =
      eval.add_subcommand("distance", "perplexity, divergence, router and indexer agreement of two models");
  const auto o = std::make_shared<DistanceVerbOptions>();
  DistanceOptions& d = o->distance;
  verb->add_option("--model", d.candidate.model, "HuggingFace directory of the candidate")->required();
  verb->add_option("--reference", d.reference.model, "HuggingFace directory of the model it is to equal")->required();
  add_text_options(*verb, d);
  verb->add_option("--activation", d.candidate.activation, "the candidate's: auto, bf16, int8, mxfp8, mxfp4")
      ->capture_default_str();
  verb->add_option("--kv-cache-dtype", d.candidate.kv_cache_dtype, "the candidate's: auto, bf16, fp8_e4m3, fp8_ds_mla")
      ->capture_default_str();
  verb->add_option("--kv-scale", d.candidate.kv_scale, "of fp8_e4m3 for every layer; absent: the checkpoint's");
  verb->add_option("--numerics", d.candidate.numerics, "serving; parity or parity-f32: as HuggingFace")
      ->capture_default_str();
  verb->add_option("--isa", d.candidate.isa, "CPU kernels: auto, avx512, avx2, portable, or scalar")
      ->capture_default_str();
  verb->add_option("--threads", d.candidate.n_threads, "of the CPU kernels; 0: as many as there are")
      ->capture_default_str();
  verb->add_option("--max-step-tokens", d.chunk_tokens, "computed in one step, whose logits are kept for both models")
      ->capture_default_str();
  add_report_options(*verb, o->report);
  verb->callback([o, &action] { action = [o] { return run_eval_distance(*o); }; });
}

}  // namespace drawbridge
