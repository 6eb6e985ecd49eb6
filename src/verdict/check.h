// Check: one thing that must hold before a figure may be believed, or that a service must meet, with what was found.
#pragma once

#include <string>
#include <vector>

namespace drawbridge {

/// In the order of gravity.
enum class LoadVerdict { kPass, kInsufficient, kFail };
/// "pass", "insufficient", "fail".
const char* load_verdict_name(LoadVerdict verdict);

enum class CheckKind {
  kMeasurement,  // whether the figures say what they claim to
  kService,      // whether the server met its limits at this load
};

struct Check {
  std::string name;  // "arrivals", "littles_law", ...: stable, for programs
  CheckKind kind = CheckKind::kMeasurement;
  LoadVerdict verdict = LoadVerdict::kPass;
  std::string wanted;
  std::string found;
  std::string advice;  // one sentence on what to do; empty where it passed

  /// This check with another outcome.
  Check with(LoadVerdict outcome, std::string what_to_do) const;
};

/// The gravest; kPass if there is none.
LoadVerdict gravest(const std::vector<Check>& checks);
LoadVerdict gravest(const std::vector<Check>& checks, CheckKind kind);

}  // namespace drawbridge
