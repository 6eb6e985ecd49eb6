#include "api/reply.h"

#include <algorithm>
#include <regex>

namespace drawbridge::api {
namespace {

using Kind = Subject::Kind;

constexpr size_t kShownBytes = 400;

std::string shown(const std::optional<Json>& value) {
  if (!value) return "nothing";
  std::string text = dump_json(*value);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "... (" + std::to_string(text.size()) + " bytes)";
  return text;
}

std::optional<Json> at(const Json& value, const std::string& pointer) {
  try {
    const Json::json_pointer place(pointer);
    if (value.contains(place)) return value.at(place);
  } catch (const nlohmann::json::exception&) {  // an index that is no number, or a malformed pointer: not there
  }
  return std::nullopt;
}

std::optional<Json> event_at(const Subject& subject, const Reply& reply) {
  const auto n = static_cast<int>(reply.events.size());
  const int index = subject.index < 0 ? n + subject.index : subject.index;
  if (index < 0 || index >= n) return std::nullopt;
  return at(reply.events[static_cast<size_t>(index)], subject.name);
}

std::string joined(const std::string& pointer, const Reply& reply) {
  std::string text;
  for (const Json& event : reply.events) {
    const auto piece = at(event, pointer);
    if (piece && piece->is_string()) text += piece->get<std::string>();
  }
  return text;
}

bool is_of_type(const Json& value, const std::string& type) {
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return value.type_name() == type;
}

std::optional<size_t> size_of(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size();
  if (value.is_structured()) return value.size();
  return std::nullopt;
}

bool compares(const Json& found, const std::string& operation, const Json& wanted) {
  if (operation == "==") return found == wanted;
  if (operation == "!=") return found != wanted;
  if (!found.is_number() || !wanted.is_number()) return false;
  const auto a = found.get<double>();
  const auto b = wanted.get<double>();
  if (operation == "<") return a < b;
  if (operation == "<=") return a <= b;
  if (operation == ">") return a > b;
  return a >= b;
}

Result<bool> matches(const Json& found, const std::string& pattern) {
  try {
    return found.is_string() && std::regex_search(found.get<std::string>(), std::regex(pattern));
  } catch (const std::regex_error& error) {
    return fail(Code::kInvalidArgument, "'{}' is not a regular expression: {}", pattern, error.what());
  }
}

bool contains(const Json& found, const Json& wanted) {
  if (found.is_string() && wanted.is_string()) {
    return found.get_ref<const std::string&>().find(wanted.get_ref<const std::string&>()) != std::string::npos;
  }
  return found.is_array() && std::find(found.begin(), found.end(), wanted) != found.end();
}

/// The operand of == and the like: JSON, but of headers and the body plain text.
Result<Json> operand(Kind kind, const std::string& value) {
  if (kind == Kind::kHeader || kind == Kind::kBody) return Json(value);
  return parse_json(value, "value");
}

Result<bool> meets(const std::optional<Json>& found, Kind kind, const std::string& operation,
                   const std::string& value) {
  if (operation == "absent") return !found;
  if (!found || operation == "exists") return found.has_value();
  if (operation == "is") return is_of_type(*found, value);
  if (operation == "matches") return matches(*found, value);
  DB_ASSIGN(const Json wanted, operand(kind, value));
  if (operation == "contains") return contains(*found, wanted);
  if (operation == "size") return size_of(*found) == wanted.get<size_t>();
  return compares(*found, operation, wanted);
}

}  // namespace

std::optional<Json> value_of(const Subject& subject, const Reply& reply) {
  switch (subject.kind) {
    case Kind::kStatus:
      return Json(reply.status);
    case Kind::kHeader: {
      const std::string* value = find_header(reply.headers, subject.name);
      return value == nullptr ? std::nullopt : std::optional<Json>(*value);
    }
    case Kind::kBody:
      return Json(reply.body);
    case Kind::kJson: {
      const auto body = parse_json(reply.body, "body");
      return body.ok() ? at(*body, subject.name) : std::nullopt;
    }
    case Kind::kEvent:
      return event_at(subject, reply);
    case Kind::kJoined:
      return Json(joined(subject.name, reply));
    case Kind::kEventCount:
      return Json(reply.events.size());
    case Kind::kDone:
      return Json(reply.done);
  }
  return std::nullopt;
}

Result<std::optional<std::string>> unmet(const Check& check, const Reply& reply, const Variables& variables) {
  DB_ASSIGN(const std::string value, expand(check.value, variables));
  const Subject& subject = check.subject;
  if (subject.kind == Kind::kDone)
    return reply.done ? std::nullopt : std::optional<std::string>("no [DONE] at the end");
  if (subject.which == Subject::Which::kOne) {
    const auto found = value_of(subject, reply);
    DB_ASSIGN(const bool good, meets(found, subject.kind, check.operation, value));
    return good ? std::nullopt : std::optional<std::string>(shown(found));
  }
  for (size_t i = 0; i < reply.events.size(); ++i) {
    const auto found = at(reply.events[i], subject.name);
    DB_ASSIGN(const bool good, meets(found, subject.kind, check.operation, value));
    if (good && subject.which == Subject::Which::kSome) return std::optional<std::string>();
    if (!good && subject.which == Subject::Which::kEach) {
      return std::optional<std::string>(fmt::format("{} in event {}", shown(found), i));
    }
  }
  if (subject.which == Subject::Which::kEach && !reply.events.empty()) return std::optional<std::string>();
  return std::optional<std::string>(fmt::format("it in none of {} events", reply.events.size()));
}

}  // namespace drawbridge::api
