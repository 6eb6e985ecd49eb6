// What Python, in which tau2-bench's tools are written, makes of values: agents read these texts, and amounts of money
// end up in the compared databases.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge::tau2 {

/// json.dumps(value): as python_json, with everything but ASCII escaped.
std::string python_dumps(const Json& value);

/// round(value, 2): to the nearest cent of the exact binary value, ties to even.
double round_cents(double value);

/// a == b: the order of the members of objects does not count.
bool python_equal(const Json& a, const Json& b);

/// type(value).__name__
const char* python_type(const Json& value);

/// str(value) of anything but lists and dicts.
std::string python_str(const Json& value);

/// str.lower() of the letters A-Z.
std::string ascii_lower(std::string text);

}  // namespace drawbridge::tau2
