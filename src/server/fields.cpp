#include "server/fields.h"

#include <cmath>
#include <optional>

#include "text/utf8.h"

namespace drawbridge {
namespace {

std::optional<int64_t> as_integer(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) > 0x1.0p53) return std::nullopt;
  return static_cast<int64_t>(number);
}

}  // namespace

Status wrong_field(std::string_view field, std::string_view wanted, const Json& found) {
  const std::string shown =
      found.is_structured() ? found.type_name() : replace_invalid_utf8(dump_json(found).substr(0, 80));
  return fail(Code::kInvalidArgument, "{}: wanted {}, found {}", field, wanted, shown);
}

Result<int64_t> read_integer(const Json& value, const std::string& field, int64_t low, int64_t high) {
  const auto number = as_integer(value);
  if (number && *number >= low && *number <= high) return *number;
  return wrong_field(field, fmt::format("an integer from {} to {}", low, high), value);
}

const Json& Fields::take(const std::string& name) {
  static const Json kNull;
  known_.insert(name);
  const auto found = object_.find(name);
  return found == object_.end() ? kNull : *found;
}

Status Fields::read(const std::string& name, bool& out) {
  const Json& value = take(name);
  if (value.is_null()) return {};
  if (!value.is_boolean()) return wrong_field(path(name), "true or false", value);
  out = value.get<bool>();
  return {};
}

Status Fields::read(const std::string& name, std::string& out) {
  const Json& value = take(name);
  if (value.is_null()) return {};
  if (!value.is_string()) return wrong_field(path(name), "a string", value);
  out = value.get<std::string>();
  return {};
}

Status Fields::read(const std::string& name, float& out) {
  const Json& value = take(name);
  if (value.is_null()) return {};
  const double number = value.is_number() ? value.get<double>() : NAN;
  if (!(std::abs(number) <= static_cast<double>(std::numeric_limits<float>::max()))) {
    return wrong_field(path(name), "a number", value);
  }
  out = static_cast<float>(number);
  return {};
}

Status Fields::read(const std::string& name, int64_t& out, int64_t low, int64_t high) {
  const Json& value = take(name);
  if (value.is_null()) return {};
  DB_ASSIGN(out, read_integer(value, path(name), low, high));
  return {};
}

Status Fields::read(const std::string& name, std::vector<int32_t>& out, size_t max_items) {
  const Json& value = take(name);
  if (value.is_null()) return {};
  const std::string field = path(name);
  if (!value.is_array()) return wrong_field(field, "an array of integers", value);
  if (value.size() > max_items) {
    return fail(Code::kInvalidArgument, "{}: wanted at most {} entries, found {}", field, max_items, value.size());
  }
  for (size_t i = 0; i < value.size(); ++i) {
    DB_ASSIGN(const int64_t item,
              read_integer(value[i], fmt::format("{}[{}]", field, i), 0, std::numeric_limits<int32_t>::max()));
    out.push_back(static_cast<int32_t>(item));
  }
  return {};
}

std::vector<std::string> Fields::unread() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items()) {
    if (!known_.contains(name)) names.push_back(prefix_ + name);
  }
  return names;
}

}  // namespace drawbridge
