// Result files of the official tau2-bench harness, of any domain, as a result that statistics and reports take.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "eval/result.h"
#include "eval/tau2/data_set.h"

namespace drawbridge::tau2 {

/// Reads a file with `simulations` in it, or a directory of results.json and simulations/*.json.
Result<Json> read_official_results(const std::string& path);

/// One item for each simulation: its recorded reward is the score if the conversation was ended by the user or the
/// agent. All others count as wrong: max_steps as truncated, the rest as failed. `source` starts every message.
Result<SystemResult> import_official_results(const Json& results, const std::string& label, const std::string& source);

struct Disagreement {
  std::string simulation;  // "task 3, trial 1"
  std::string what;
};

struct Regrade {
  int64_t n_simulations = 0;    // compared
  int64_t n_broken = 0;         // not compared: they broke off without an ending
  int64_t n_calls = 0;          // tool calls made again
  int64_t n_partly_graded = 0;  // rewards that need a judge: only the other checks were compared
  std::vector<Disagreement> disagreements;
};

/// Makes every tool call of the simulations again and grades them again, and compares both with what was recorded.
/// `fresh` is of the domain; tasks are those of the results.
Result<Regrade> regrade_official_results(const Json& results, const Environment& fresh, const std::string& source);

/// The domain that the results are of.
Result<std::string> domain_of(const Json& results, const std::string& source);

}  // namespace drawbridge::tau2
