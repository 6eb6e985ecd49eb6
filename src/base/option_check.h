// Checks of options that several verbs have.
#pragma once

#include "base/result.h"

namespace drawbridge {

/// kInvalidArgument that names the flag when `value` is below `low`.
inline Status check_at_least(const char* flag, int64_t value, int64_t low) {
  if (value >= low) return Status();
  return fail(Code::kInvalidArgument, "{}: wanted at least {}, found {}", flag, low, value);
}

}  // namespace drawbridge
