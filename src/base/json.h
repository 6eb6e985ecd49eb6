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

/// A tree whose objects are sorted maps. Json searches an object's keys one by one, which costs n^2 over the hundred
/// thousand names of a checkpoint.
using SortedJson = nlohmann::json;

/// As parse_json for the files of a checkpoint: n log n in the number of keys, and a key that stands twice in one
/// object is an error that names it.
Result<SortedJson> parse_sorted_json(std::string_view text, const std::string& source, const JsonLimits& limits = {});

/// Compact text; bytes that are not UTF-8 are replaced, so it never throws.
std::string dump_json(const Json& value);
std::string dump_json(const SortedJson& value);
/// Indented, one key a line, for files that people read; ends with a newline.
std::string pretty_json(const Json& value);

}  // namespace drawbridge
