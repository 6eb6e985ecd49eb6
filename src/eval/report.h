// The report of an evaluation, for terminals, for programs and as one page: results of one or two systems, their
// comparison, and the distances between two checkpoints, each only if it is there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/compare.h"
#include "eval/distribution_report.h"
#include "eval/result.h"

namespace drawbridge {

struct EvalReport {
  std::vector<SystemResult> systems;  // baseline first
  std::optional<Comparison> comparison;
  std::optional<DistributionReport> distribution;
};

/// Tables in lm-eval's shape, then each comparison with its verdict in words.
std::string render_terminal(const EvalReport& report);
Json render_json(const EvalReport& report);
/// One self-contained page: no script, nothing loaded, all text escaped.
std::string render_html(const EvalReport& report);

/// One paragraph: what the items show about the candidate, and what they cannot.
std::string verdict_sentence(const TaskComparison& task, const PairedOptions& options);

}  // namespace drawbridge
