#include "base/json.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

namespace drawbridge {
namespace {

/// What a text would cost as a tree; a linear scan, so hostile depth costs no stack and hostile keys no time.
struct Extent {
  int depth = 0;               // deepest nesting of brackets outside strings
  size_t keys_of_one = 0;      // most keys of one object
  size_t keys = 0;             // of all
  std::vector<size_t> n_keys;  // of the open brackets

  void open() {
    n_keys.push_back(0);
    depth = std::max(depth, static_cast<int>(n_keys.size()));
  }
  void close() {
    if (!n_keys.empty()) n_keys.pop_back();
  }
  void key() {
    ++keys;
    if (!n_keys.empty()) keys_of_one = std::max(keys_of_one, ++n_keys.back());
  }
};

/// Stops at the first bracket beyond `max_depth`.
Extent measure(std::string_view text, int max_depth) {
  Extent extent;
  bool in_string = false;
  for (size_t i = 0; i < text.size() && extent.depth <= max_depth; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      extent.open();
    } else if (c == ']' || c == '}') {
      extent.close();
    } else if (c == ':') {
      extent.key();
    }
  }
  return extent;
}

Status check_limit(const std::string& source, std::string_view what, size_t found, size_t limit) {
  if (found <= limit) return {};
  return fail(Code::kOutOfRange, "{}: JSON has {} {}, more than the limit of {}", source, found, what, limit);
}

Status check_limits(std::string_view text, const std::string& source, const JsonLimits& limits) {
  DB_TRY(check_limit(source, "bytes", text.size(), limits.max_bytes));
  const Extent extent = measure(text, limits.max_depth);
  DB_TRY(
      check_limit(source, "nested levels", static_cast<size_t>(extent.depth), static_cast<size_t>(limits.max_depth)));
  DB_TRY(check_limit(source, "keys in one object", extent.keys_of_one, limits.max_keys_per_object));
  return check_limit(source, "keys", extent.keys, limits.max_keys);
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

std::string pretty_json(const Json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace drawbridge
