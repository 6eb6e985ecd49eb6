#include "verdict/check.h"

#include <algorithm>
#include <utility>

namespace drawbridge {

const char* load_verdict_name(LoadVerdict verdict) {
  switch (verdict) {
    case LoadVerdict::kPass:
      return "pass";
    case LoadVerdict::kInsufficient:
      return "insufficient";
    case LoadVerdict::kFail:
      return "fail";
  }
  return "";
}

Check Check::with(LoadVerdict outcome, std::string what_to_do) const {
  Check changed = *this;
  changed.verdict = outcome;
  changed.advice = std::move(what_to_do);
  return changed;
}

LoadVerdict gravest(const std::vector<Check>& checks) {
  return std::max(gravest(checks, CheckKind::kMeasurement), gravest(checks, CheckKind::kService));
}

LoadVerdict gravest(const std::vector<Check>& checks, CheckKind kind) {
  LoadVerdict found = LoadVerdict::kPass;
  for (const Check& check : checks) {
    if (check.kind == kind) found = std::max(found, check.verdict);
  }
  return found;
}

}  // namespace drawbridge
