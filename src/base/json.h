// JSON from outside, parsed safely: size, nesting and keys are bounded before a tree is built, errors name the source.
// The tree is nlohmann::ordered_json (caller's key order is kept: chat templates and tool schemas depend on it).
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace drawbridge {

using Json = nlohmann::ordered_json;

struct JsonLimits {
  size_t max_bytes = 64u << 20;
  int max_depth = 64;
  size_t max_keys_per_object = 1024;  // objects search linearly: building one costs the square of its keys
  size_t max_keys = 131072;           // in the whole text
};

/// Parses `text`; `source` (a path or "request body") starts every error message. Duplicate keys keep the last value.
Result<Json> parse_json(std::string_view text, const std::string& source, const JsonLimits& limits = {});

/// Compact text; bytes that are not UTF-8 are replaced, so it never throws.
std::string dump_json(const Json& value);

}  // namespace drawbridge
