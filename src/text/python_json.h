// JSON text as Python's json.dumps(value, ensure_ascii=False) writes it: ", " and ": ", repr of floats. Prompts depend
// on it byte for byte. Integers beyond 64 bits were already floats when they were parsed.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace drawbridge {

std::string python_json(const Json& value);

/// Appends the inside of a JSON string (no quotes); works byte by byte, so text may be escaped in pieces.
void append_json_escaped(std::string_view text, std::string& out);

/// repr() of a Python float.
std::string python_float(double value);

}  // namespace drawbridge
