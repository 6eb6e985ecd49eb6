// `drawbridge prove`: whether this model, on this machine, answers the same however it is served.
#include <fmt/ostream.h>

#include <iostream>

#include "cli/progress_bar.h"
#include "cli/verbs.h"
#include "prove/proof_report.h"

namespace drawbridge {
namespace {

struct ProveVerb {
  ProveOptions options;
  bool json = false;
};

Status run_prove(const ProveVerb& verb, std::ostream& out) {
  Result<Proof> proof = [&] {
    ProgressBar bar("proving");
    return prove(verb.options, [&](int64_t n_done, int64_t n_total, const std::string& name) {
      bar.show_items({n_done, n_total, 0}, name);
    });
  }();
  DB_TRY(proof.status());
  fmt::print(out, "{}", verb.json ? dump_json(proof_json(*proof)) + "\n" : proof_text(*proof));
  if (proof->holds()) return Status();
  return fail(Code::kInternal, "the answers depend on how they were computed: see the table");
}

}  // namespace

void add_prove(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("prove", "same tokens and logits with cache, batches, chunks, preemption, ...");
  const auto o = std::make_shared<ProveVerb>();
  ProofWorkload& workload = o->options.workload;
  add_engine_options(*verb, o->options.engine);
  verb->add_option("--requests", workload.n_requests, "conversations, of two turns each")->capture_default_str();
  verb->add_option("--prompt-tokens", workload.prompt_tokens, "of the longest first turn")->capture_default_str();
  verb->add_option("--max-tokens", workload.max_tokens, "of each answer")->capture_default_str();
  verb->add_flag("--json", o->json, "one JSON object");
  verb->callback([o, &action] { action = [o] { return run_prove(*o, std::cout); }; });
}

}  // namespace drawbridge
