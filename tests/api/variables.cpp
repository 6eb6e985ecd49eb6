#include "api/variables.h"

namespace drawbridge::api {
namespace {

constexpr size_t kMaxRepeats = 64 << 20;

/// `"text" n`, as it stands behind `repeat `.
Result<std::string> repeated(const std::string& arguments) {
  const size_t end = arguments.rfind(' ');
  const auto text = parse_json(arguments.substr(0, end), "repeat");
  const auto n = parse_json(end == std::string::npos ? "" : arguments.substr(end + 1), "repeat");
  if (!text.ok() || !n.ok() || !text->is_string() || !n->is_number_unsigned() || n->get<size_t>() > kMaxRepeats) {
    return fail(Code::kInvalidArgument, "wanted ${{repeat \"text\" n}}, found '{}'", arguments);
  }
  std::string out;
  for (size_t i = 0; i < n->get<size_t>(); ++i) out += text->get_ref<const std::string&>();
  return out;
}

Result<std::string> value_of(const std::string& name, bool bare, const Variables& variables) {
  if (name.rfind("repeat ", 0) == 0) return repeated(name.substr(7));
  const auto found = variables.find(name);
  if (found == variables.end()) return fail(Code::kNotFound, "no variable '{}' has been saved", name);
  if (bare && found->second.is_string()) return found->second.get<std::string>();
  return dump_json(found->second);
}

}  // namespace

Result<std::string> expand(std::string_view text, const Variables& variables) {
  std::string out;
  while (!text.empty()) {
    const bool opens = text.size() > 1 && (text[0] == '$' || text[0] == '@') && text[1] == '{';
    const size_t close = opens ? text.find('}') : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    DB_ASSIGN(const std::string value, value_of(std::string(text.substr(2, close - 2)), text[0] == '@', variables));
    out += value;
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace drawbridge::api
