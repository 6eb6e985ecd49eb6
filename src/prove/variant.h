// Variants: the ways to compute a proof's requests that must not change a bit of their answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "prove/workload.h"

namespace drawbridge {

/// Something that must have happened in a run, or the variant proves nothing.
struct Exercise {
  const char* what;                   // "cached tokens"
  int64_t (*count)(const ProofRun&);  // of it
  int64_t at_least = 1;
};

struct Variant {
  std::string name;  // "page size 4"
  EngineOptions options;
  std::vector<Exercise> exercises;
};

/// One request at a time, nothing cached, as the options say in all else.
EngineOptions reference_options(const EngineOptions& options, const ProofWorkload& workload);

/// Each differs from the reference in what its name says.
std::vector<Variant> proof_variants(const EngineOptions& options, const ProofWorkload& workload);

/// What a run did not do although its variant is about it: "evictions: wanted at least 1, found 0".
std::optional<std::string> not_exercised(const Variant& variant, const ProofRun& run);

}  // namespace drawbridge
