#include "prove/proof.h"

#include <algorithm>

#include "base/option_check.h"

namespace drawbridge {
namespace {

Status check_options(const ProveOptions& o) {
  DB_TRY(check_at_least("--requests", o.workload.n_requests, 1));
  DB_TRY(check_at_least("--prompt-tokens", o.workload.prompt_tokens, 1));
  return check_at_least("--max-tokens", o.workload.max_tokens, 1);
}

int64_t count_tokens(const ProofRun& run) {
  int64_t n = 0;
  for (const auto& turn : run.turns) {
    for (const Transcript& transcript : turn) n += static_cast<int64_t>(transcript.tokens.size());
  }
  return n;
}

Result<ProofRun> run_engine(const EngineOptions& options, const ProofWorkload& workload, const ProofRun* wanted,
                            ModelCard* card) {
  DB_ASSIGN(const auto engine, make_engine(options));
  if (card != nullptr) *card = engine->card();
  return run_workload(*engine, workload, wanted);
}

}  // namespace

VariantResult judge(const Variant& variant, const ProofRun& wanted, const ProofRun& found) {
  VariantResult result;
  result.name = variant.name;
  result.n_tokens = count_tokens(found);
  result.peak_streams = found.peak_streams;
  result.n_cached = found.stats.n_cached_tokens;
  result.n_preempted = found.stats.n_preempted;
  result.n_evicted = found.stats.n_evictions;
  result.difference = first_difference(wanted, found);
  if (result.difference) {
    result.finding = Finding::kDifferent;
  } else if (const auto missing = not_exercised(variant, found)) {
    result.finding = Finding::kNotExercised;
    result.reason = *missing;
  }
  return result;
}

bool Proof::holds() const {
  return std::all_of(variants.begin(), variants.end(),
                     [](const VariantResult& v) { return v.finding == Finding::kIdentical; });
}

Result<Proof> prove(const ProveOptions& options, const ProofProgress& progress) {
  DB_TRY(check_options(options));
  const std::vector<Variant> variants = proof_variants(options.engine, options.workload);
  const auto n_runs = static_cast<int64_t>(variants.size()) + 1;
  Proof proof;
  progress(0, n_runs, "reference");
  DB_ASSIGN(const ProofRun wanted,
            run_engine(reference_options(options.engine, options.workload), options.workload, nullptr, &proof.card));
  proof.n_tokens = count_tokens(wanted);
  proof.vocab = static_cast<int64_t>(wanted.turns[0][0].logits[0].size());
  for (const Variant& variant : variants) {
    progress(static_cast<int64_t>(proof.variants.size()) + 1, n_runs, variant.name);
    const auto found = run_engine(variant.options, options.workload, &wanted, nullptr);
    if (found.ok()) {
      proof.variants.push_back(judge(variant, wanted, *found));
      continue;
    }
    VariantResult failed;
    failed.name = variant.name;
    failed.finding = Finding::kFailed;
    failed.reason = found.status().message();
    proof.variants.push_back(std::move(failed));
  }
  progress(n_runs, n_runs, "");
  return proof;
}

}  // namespace drawbridge
