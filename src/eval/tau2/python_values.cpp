#include "eval/tau2/python_values.h"

#include <fmt/format.h>

#include <cstdlib>

#include "text/python_json.h"
#include "text/utf8.h"

namespace drawbridge::tau2 {
namespace {

void append_escape(char32_t unit, std::string& out) {
  out += fmt::format("\\u{:04x}", static_cast<uint32_t>(unit));
}

void append_escaped(char32_t code_point, std::string& out) {
  if (code_point < 0x10000) return append_escape(code_point, out);
  append_escape(0xd800 + ((code_point - 0x10000) >> 10), out);
  append_escape(0xdc00 + ((code_point - 0x10000) & 0x3ff), out);
}

}  // namespace

std::string python_dumps(const Json& value) {
  const std::string text = replace_invalid_utf8(python_json(value));
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = next_utf8(text, at);
    if (step.bytes == 1 && text[at] != 0x7f) {
      out += text[at];
    } else {
      append_escaped(decode_utf8(std::string_view(text).substr(at, step.bytes)), out);
    }
    at += step.bytes;
  }
  return out;
}

double round_cents(double value) {
  // Decimal text of the exact value, rounded to even, and back: what CPython does.
  return std::strtod(fmt::format("{:.2f}", value).c_str(), nullptr);
}

bool python_equal(const Json& a, const Json& b) {
  return a == b || SortedJson(a) == SortedJson(b);
}

const char* python_type(const Json& value) {
  switch (value.type()) {
    case Json::value_t::string:
      return "str";
    case Json::value_t::boolean:
      return "bool";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "int";
    case Json::value_t::number_float:
      return "float";
    case Json::value_t::array:
      return "list";
    case Json::value_t::object:
      return "dict";
    default:
      return "NoneType";
  }
}

std::string python_str(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_null()) return "None";
  return python_dumps(value);
}

std::string ascii_lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace drawbridge::tau2
