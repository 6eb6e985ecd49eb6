#include "base/json.h"

#include <algorithm>

namespace drawbridge {
namespace {

/// Deepest nesting of brackets outside strings; a linear scan, so hostile depth costs no stack.
int nesting_depth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& source, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return fail(Code::kOutOfRange, "{}: JSON has {} bytes, more than the limit of {}", source, text.size(),
                limits.max_bytes);
  }
  if (const int depth = nesting_depth(text); depth > limits.max_depth) {
    return fail(Code::kOutOfRange, "{}: JSON is nested {} deep, more than the limit of {}", source, depth,
                limits.max_depth);
  }
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    return fail(Code::kCorrupt, "{}: not valid JSON: {}", source, error.what());
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace drawbridge
