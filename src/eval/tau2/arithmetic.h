// The expressions of retail's `calculate` tool: what Python's eval makes of digits, + - * / // ** and parentheses.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace drawbridge::tau2 {

/// The value rounded to two places, as Python prints a float. Errors carry the tool's words; unlike Python, integers
/// beyond 2^53 are one.
Result<std::string> calculate(std::string_view expression);

}  // namespace drawbridge::tau2
