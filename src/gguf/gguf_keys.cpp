#include "gguf/gguf_keys.h"

namespace drawbridge {
namespace {

struct Describe {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& value) const { return fmt::format("'{}'", value.substr(0, 100)); }
  template <typename T>
  std::string operator()(const std::vector<T>& value) const {
    return fmt::format("an array of {}", value.size());
  }
};

}  // namespace

std::string describe_gguf_value(const GgufValue& value) {
  return std::visit(Describe{}, value);
}

bool GgufKeys::add(std::string key, GgufValue value) {
  return values_.emplace(std::move(key), std::move(value)).second;
}

Result<const GgufValue*> GgufKeys::require(std::string_view key) const {
  const auto place = values_.find(key);
  if (place == values_.end()) return fail(Code::kNotFound, "{}: key {}: missing", source_, key);
  return &place->second;
}

Status GgufKeys::refuse(std::string_view key, const std::string& wanted, const GgufValue& found) const {
  return fail(Code::kInvalidArgument, "{}: key {}: wanted {}, found {}", source_, key, wanted,
              describe_gguf_value(found));
}

Result<int64_t> GgufKeys::integer(std::string_view key, int64_t low, int64_t high) const {
  DB_ASSIGN(const GgufValue* value, require(key));
  const auto* number = std::get_if<int64_t>(value);
  if (number != nullptr && *number >= low && *number <= high) return *number;
  return refuse(key, fmt::format("a whole number from {} to {}", low, high), *value);
}

Result<double> GgufKeys::number(std::string_view key) const {
  DB_ASSIGN(const GgufValue* value, require(key));
  if (const auto* number = std::get_if<double>(value)) return *number;
  return refuse(key, "a float", *value);
}

Result<bool> GgufKeys::boolean(std::string_view key) const {
  DB_ASSIGN(const GgufValue* value, require(key));
  if (const auto* flag = std::get_if<bool>(value)) return *flag;
  return refuse(key, "true or false", *value);
}

Result<std::string> GgufKeys::text(std::string_view key) const {
  DB_ASSIGN(const GgufValue* value, require(key));
  if (const auto* text = std::get_if<std::string>(value)) return *text;
  return refuse(key, "a string", *value);
}

Result<std::vector<int64_t>> GgufKeys::integers(std::string_view key) const {
  DB_ASSIGN(const GgufValue* value, require(key));
  if (const auto* numbers = std::get_if<std::vector<int64_t>>(value)) return *numbers;
  if (const auto* flags = std::get_if<std::vector<bool>>(value)) {
    return std::vector<int64_t>(flags->begin(), flags->end());
  }
  return refuse(key, "an array of whole numbers", *value);
}

Result<const std::vector<std::string>*> GgufKeys::texts(std::string_view key) const {
  DB_ASSIGN(const GgufValue* value, require(key));
  if (const auto* texts = std::get_if<std::vector<std::string>>(value)) return texts;
  return refuse(key, "an array of strings", *value);
}

}  // namespace drawbridge
