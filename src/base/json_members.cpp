#include "base/json_members.h"

#include <cmath>

namespace drawbridge {
namespace {

Status wrong_type(const Json& found, const char* key, const char* wanted, const std::string& source) {
  return fail(Code::kCorrupt, "{}: member \"{}\": wanted {}, found {}", source, key, wanted,
              dump_json(found).substr(0, 80));
}

}  // namespace

Status check_object(const Json& json, const std::string& source) {
  if (json.is_object()) return Status();
  return fail(Code::kCorrupt, "{}: wanted a JSON object, found {}", source, dump_json(json).substr(0, 80));
}

Result<const Json*> member(const Json& object, const char* key, const std::string& source) {
  DB_TRY(check_object(object, source));
  const auto found = object.find(key);
  if (found == object.end()) return fail(Code::kCorrupt, "{}: member \"{}\" is missing", source, key);
  return &*found;
}

Result<std::string> string_member(const Json& object, const char* key, const std::string& source) {
  DB_ASSIGN(const Json* found, member(object, key, source));
  if (!found->is_string()) return wrong_type(*found, key, "a string", source);
  return found->get<std::string>();
}

Result<int64_t> integer_member(const Json& object, const char* key, const std::string& source) {
  DB_ASSIGN(const Json* found, member(object, key, source));
  const bool fits = found->is_number_integer() &&
                    !(found->is_number_unsigned() && found->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX));
  if (!fits) return wrong_type(*found, key, "an integer", source);
  return found->get<int64_t>();
}

Result<int64_t> count_member(const Json& object, const char* key, const std::string& source) {
  DB_ASSIGN(const int64_t count, integer_member(object, key, source));
  if (count >= 0) return count;
  return fail(Code::kCorrupt, "{}: {}: wanted 0 or more, found {}", source, key, count);
}

Result<double> number_member(const Json& object, const char* key, const std::string& source) {
  DB_ASSIGN(const Json* found, member(object, key, source));
  if (!found->is_number()) return wrong_type(*found, key, "a number", source);
  return found->get<double>();
}

Result<double> positive_member(const Json& object, const char* key, const std::string& source) {
  DB_ASSIGN(const double value, number_member(object, key, source));
  if (std::isfinite(value) && value > 0) return value;
  return fail(Code::kInvalidArgument, "{}: {}: wanted a number above 0, found {}", source, key, value);
}

Result<const Json*> array_member(const Json& object, const char* key, const std::string& source) {
  DB_ASSIGN(const Json* found, member(object, key, source));
  if (!found->is_array()) return wrong_type(*found, key, "an array", source);
  return found;
}

}  // namespace drawbridge
