#include "text/python_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace drawbridge {
namespace {

void append_string(std::string_view text, std::string& out) {
  out += '"';
  append_json_escaped(text, out);
  out += '"';
}

void append_scalar(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::string:
      return append_string(value.get_ref<const std::string&>(), out);
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case Json::value_t::number_integer:
      out += std::to_string(value.get<int64_t>());
      return;
    case Json::value_t::number_unsigned:
      out += std::to_string(value.get<uint64_t>());
      return;
    case Json::value_t::number_float:
      out += python_float(value.get<double>());
      return;
    default:
      out += "null";
  }
}

struct Level {
  const Json* node;
  Json::const_iterator next;
};

}  // namespace

void append_json_escaped(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kPlain = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetter = "\"\\nrtbf";
  for (char c : text) {
    if (const size_t at = kPlain.find(c); at != std::string_view::npos) {
      out += '\\';
      out += kLetter[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
}

std::string python_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<size_t>(end.ptr - buffer.data()));
  std::string out;
  if (text[0] == '-') {
    out = "-";
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  const int exponent = std::stoi(std::string(text.substr(e + 1)));
  std::string digits(text.substr(0, 1));
  if (e > 2) digits += text.substr(2, e - 2);
  const int n = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits.substr(0, 1);
    if (n > 1) out += "." + digits.substr(1);
    const int magnitude = std::abs(exponent);
    out += exponent < 0 ? "e-" : "e+";
    return out + (magnitude < 10 ? "0" : "") + std::to_string(magnitude);
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (exponent >= n - 1) return out + digits + std::string(static_cast<size_t>(exponent - n + 1), '0') + ".0";
  const auto whole = static_cast<size_t>(exponent) + 1;
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string python_json(const Json& value) {
  std::string out;
  std::vector<Level> stack;
  const auto open = [&](const Json& node) {
    if (!node.is_structured()) return append_scalar(node, out);
    out += node.is_array() ? '[' : '{';
    stack.push_back({&node, node.cbegin()});
  };
  open(value);
  while (!stack.empty()) {
    Level& level = stack.back();
    if (level.next == level.node->cend()) {
      out += level.node->is_array() ? ']' : '}';
      stack.pop_back();
      continue;
    }
    const auto current = level.next++;
    if (current != level.node->cbegin()) out += ", ";
    if (level.node->is_object()) {
      append_string(current.key(), out);
      out += ": ";
    }
    open(*current);
  }
  return out;
}

}  // namespace drawbridge
