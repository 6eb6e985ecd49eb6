// Proof: the same requests computed in every way that must not change them, and where one did.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "prove/difference.h"
#include "prove/variant.h"

namespace drawbridge {

struct ProveOptions {
  EngineOptions engine;
  ProofWorkload workload;
};

enum class Finding { kIdentical, kDifferent, kNotExercised, kFailed };

struct VariantResult {
  std::string name;
  Finding finding = Finding::kIdentical;
  std::optional<Difference> difference;
  std::string reason;  // of kNotExercised and kFailed
  int64_t n_tokens = 0;
  int64_t peak_streams = 0;
  int64_t n_cached = 0;
  int64_t n_preempted = 0;
  int64_t n_evicted = 0;
};

struct Proof {
  ModelCard card;  // of the reference
  int64_t n_tokens = 0;
  int64_t vocab = 0;
  std::vector<VariantResult> variants;

  bool holds() const;
};

/// Runs begun, of all, and the name of the one that begins.
using ProofProgress = std::function<void(int64_t n_done, int64_t n_total, const std::string& name)>;

/// Errors: the reference itself cannot be computed. Each variant loads the model anew; one at a time is in memory.
Result<Proof> prove(const ProveOptions& options, const ProofProgress& progress);

/// A run of a variant held against the reference's.
VariantResult judge(const Variant& variant, const ProofRun& wanted, const ProofRun& found);

}  // namespace drawbridge
