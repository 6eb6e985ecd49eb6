#include "base/json.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

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

Status check_limits(std::string_view text, const std::string& source, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return fail(Code::kOutOfRange, "{}: JSON has {} bytes, more than the limit of {}", source, text.size(),
                limits.max_bytes);
  }
  if (const int depth = nesting_depth(text); depth > limits.max_depth) {
    return fail(Code::kOutOfRange, "{}: JSON is nested {} deep, more than the limit of {}", source, depth,
                limits.max_depth);
  }
  return Status();
}

template <typename Tree>
Result<Tree> parse_tree(std::string_view text, const std::string& source, const JsonLimits& limits) {
  DB_TRY(check_limits(text, source, limits));
  try {
    return Tree::parse(text);
  } catch (const nlohmann::json::exception& error) {
    return fail(Code::kCorrupt, "{}: not valid JSON: {}", source, error.what());
  }
}

/// Walks valid JSON and stops at the first key that its object already has: a tree keeps only the last of equal keys.
class DuplicateKeyFinder : public nlohmann::json_sax<SortedJson> {
 public:
  std::string duplicate;
  bool found = false;

  bool start_object(std::size_t) override {
    open_.emplace_back();
    return true;
  }
  bool key(string_t& name) override {
    if (open_.back().insert(name).second) return true;
    duplicate = name;
    found = true;
    return false;
  }
  bool end_object() override {
    open_.pop_back();
    return true;
  }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  std::vector<std::unordered_set<std::string>> open_;  // keys of each object around the current place
};

template <typename Tree>
std::string dump_tree(const Tree& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Result<Json> parse_json(std::string_view text, const std::string& source, const JsonLimits& limits) {
  return parse_tree<Json>(text, source, limits);
}

Result<SortedJson> parse_sorted_json(std::string_view text, const std::string& source, const JsonLimits& limits) {
  DB_ASSIGN(SortedJson tree, parse_tree<SortedJson>(text, source, limits));
  DuplicateKeyFinder finder;
  SortedJson::sax_parse(text, &finder);
  if (finder.found) return fail(Code::kCorrupt, "{}: key \"{}\" stands twice in one object", source, finder.duplicate);
  return tree;
}

std::string dump_json(const Json& value) {
  return dump_tree(value);
}

std::string dump_json(const SortedJson& value) {
  return dump_tree(value);
}

}  // namespace drawbridge
