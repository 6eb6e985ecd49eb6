#include "text/argument_value.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "text/python_json.h"
#include "text/utf8.h"

namespace drawbridge {
namespace {

constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53

const Json& field(const Json& object, const std::string& name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::optional<Json> as_json(std::string_view text) {
  auto parsed = parse_json(text, "argument");
  if (!parsed.ok()) return std::nullopt;
  return std::move(parsed).value();
}

/// Python's True, ['a', 1,] and {'k': None} as JSON text; nothing where it is no such literal. The JSON parser that
/// reads the result checks the grammar.
class PythonLiteral {
 public:
  explicit PythonLiteral(std::string_view text) : in_(text) {}

  std::optional<std::string> to_json() {
    while (at_ < in_.size()) {
      if (!token()) return std::nullopt;
    }
    return out_;
  }

 private:
  bool token() {
    const char c = in_[at_];
    if (c == '\'' || c == '"') return string(c);
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return word();
    if ((c == ']' || c == '}') && !out_.empty() && out_.back() == ',') out_.pop_back();
    constexpr std::string_view kCopied = "[]{},:+-.0123456789";
    if (kCopied.find(c) == std::string_view::npos && trim(in_.substr(at_, 1)).size() == 1) return false;
    if (kCopied.find(c) != std::string_view::npos) out_ += c;
    // A space between two numbers must not join them.
    if (kCopied.find(c) == std::string_view::npos && !out_.empty() && out_.back() != ',') out_ += ' ';
    ++at_;
    return true;
  }

  bool word() {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kWords = {
        {{"True", "true"}, {"False", "false"}, {"None", "null"}}};
    size_t end = at_;
    while (end < in_.size() && std::isalnum(static_cast<unsigned char>(in_[end])) != 0) ++end;
    const std::string_view found = in_.substr(at_, end - at_);
    at_ = end;
    if (found == "e" || found == "E" ||
        (found.size() > 1 && (found[0] == 'e' || found[0] == 'E') &&
         found.find_first_not_of("0123456789", 1) == std::string_view::npos)) {
      out_ += found;
      return true;
    }
    for (const auto& [python, as] : kWords) {
      if (found != python) continue;
      out_ += as;
      return true;
    }
    return false;
  }

  bool string(char quote) {
    std::string value;
    for (++at_; at_ < in_.size() && in_[at_] != quote; ++at_) {
      if (in_[at_] == '\n') return false;
      if (in_[at_] != '\\') {
        value += in_[at_];
      } else if (!escape(value)) {
        return false;
      }
    }
    if (at_ == in_.size()) return false;
    ++at_;
    out_ += '"';
    append_json_escaped(value, out_);
    out_ += '"';
    return true;
  }

  bool escape(std::string& value) {
    if (++at_ == in_.size()) return false;
    constexpr std::string_view kNames = "\\'\"ntrbf";
    constexpr std::string_view kBytes = "\\'\"\n\t\r\b\f";
    const char c = in_[at_];
    if (const size_t known = kNames.find(c); known != std::string_view::npos) {
      value += kBytes[known];
      return true;
    }
    const size_t n_digits = c == 'x' ? 2 : (c == 'u' ? 4 : (c == 'U' ? 8 : 0));
    if (n_digits == 0 || at_ + n_digits >= in_.size()) return false;
    uint32_t code_point = 0;
    const char* begin = in_.data() + at_ + 1;
    const auto read = std::from_chars(begin, begin + n_digits, code_point, 16);
    if (read.ptr != begin + n_digits || code_point > 0x10ffff) return false;
    if (code_point >= 0xd800 && code_point < 0xe000) return false;
    append_utf8(code_point, value);
    at_ += n_digits;
    return true;
  }

  std::string_view in_;
  size_t at_ = 0;
  std::string out_;
};

bool names_type(const Json& type, std::string_view name) {
  if (type.is_string()) return type == name;
  if (!type.is_array()) return false;
  for (const Json& one : type) {
    if (one == name) return true;
  }
  return false;
}

/// Whether `value` is what `type`, a list that also allows strings, names besides strings.
bool matches_other_type(const Json& type, const Json& value) {
  if (value.is_null()) return names_type(type, "null");
  if (value.is_boolean()) return names_type(type, "boolean");
  if (value.is_number())
    return names_type(type, "number") || (value.is_number_integer() && names_type(type, "integer"));
  if (value.is_array()) return names_type(type, "array");
  return value.is_object() && names_type(type, "object");
}

/// 3.0 for an integer becomes 3, "3" for a number becomes 3; otherwise nothing.
std::optional<std::string> coerced_number(const Json& type, const Json& value) {
  const bool integer = type == "integer";
  if (!integer && type != "number") return std::nullopt;
  if (value.is_string()) {
    const auto inner = as_json(trim(value.get_ref<const std::string&>()));
    if (inner && inner->is_number()) return coerced_number(type, *inner).value_or(python_json(*inner));
  }
  if (!integer || !value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (std::trunc(number) != number || std::fabs(number) > kMaxExactInteger) return std::nullopt;
  return std::to_string(static_cast<int64_t>(number));
}

std::optional<std::string> accepted(const Json& schema, const Json& value, std::string_view verbatim) {
  const Json& type = field(schema, "type");
  if (names_type(type, "string") && !matches_other_type(type, value)) return std::nullopt;
  if (auto number = coerced_number(type, value)) return number;
  // The model's own digits and spaces are kept: numbers beyond 64 bits survive.
  return verbatim.empty() ? python_json(value) : std::string(verbatim);
}

}  // namespace

const Json& argument_schema(const Json& tools, const std::string& name, const std::string& key) {
  static const Json kNull;
  if (!tools.is_array()) return kNull;
  for (const Json& wrapped : tools) {
    const Json& inner = field(wrapped, "function");
    const Json& tool = inner.is_object() ? inner : wrapped;
    if (field(tool, "name") == name) return field(field(field(tool, "parameters"), "properties"), key);
  }
  return kNull;
}

bool is_string_schema(const Json& schema) {
  const Json& type = field(schema, "type");
  return type == "string" || (type.is_array() && type.size() == 1 && type[0] == "string");
}

std::string typed_value_json(std::string_view raw, const Json& schema) {
  const std::string_view text = trim(raw);
  if (!is_string_schema(schema)) {
    if (const auto value = as_json(text)) {
      if (auto json = accepted(schema, *value, text)) return *json;
    }
    if (text.find('\\') != std::string_view::npos) {
      const auto unescaped = as_json("\"" + std::string(text) + "\"");
      const auto value =
          unescaped && unescaped->is_string() ? as_json(unescaped->get_ref<const std::string&>()) : std::nullopt;
      if (value) {
        if (auto json = accepted(schema, *value, {})) return *json;
      }
    }
    const auto literal = PythonLiteral(text).to_json();
    const auto value = literal ? as_json(*literal) : std::nullopt;
    if (value) {
      if (auto json = accepted(schema, *value, {})) return *json;
    }
  }
  std::string out = "\"";
  append_json_escaped(raw, out);
  return out + "\"";
}

}  // namespace drawbridge
