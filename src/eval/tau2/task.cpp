#include "eval/tau2/task.h"

#include <algorithm>

#include "base/json_members.h"

namespace drawbridge::tau2 {
namespace {

constexpr Reward kRewards[] = {Reward::kDatabase, Reward::kEnvAssertion, Reward::kNlAssertion, Reward::kAction,
                               Reward::kCommunicate};

/// The member if it is there and not null.
const Json* present(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::vector<std::string>> texts_member(const Json& object, const char* key, const std::string& source) {
  std::vector<std::string> texts;
  if (present(object, key) == nullptr) return texts;
  DB_ASSIGN(const Json* list, array_member(object, key, source));
  for (const Json& text : *list) {
    if (!text.is_string()) return fail(Code::kCorrupt, "{}: {}: wanted an array of strings", source, key);
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

/// Each line that holds more than white space moved in by a tab.
std::string indented(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string line = text.substr(at, end - at);
    if (line.find_first_not_of(" \t\r\n\f\v") != std::string::npos) out += '\t';
    out += line;
    at = end;
  }
  return out;
}

Result<std::string> instructions_text(const Json& instructions, const std::string& source) {
  if (instructions.is_string()) return instructions.get<std::string>();
  DB_ASSIGN(const std::string domain, string_member(instructions, "domain", source));
  DB_ASSIGN(const std::string reason, string_member(instructions, "reason_for_call", source));
  std::string out = "Domain: " + domain + "\nReason for call:\n" + indented(reason) + "\n";
  for (const auto& [key, title] : {std::pair("known_info", "Known info"), std::pair("unknown_info", "Unknown info")}) {
    if (present(instructions, key) == nullptr) continue;
    DB_ASSIGN(const std::string info, string_member(instructions, key, source));
    out += fmt::format("{}:\n{}\n", title, indented(info));
  }
  DB_ASSIGN(const std::string rules, string_member(instructions, "task_instructions", source));
  return out + "Task instructions:\n" + indented(rules);
}

Result<std::string> scenario_text(const Json& json, const std::string& source) {
  DB_ASSIGN(const Json* instructions, member(json, "instructions", source));
  DB_ASSIGN(const std::string text, instructions_text(*instructions, source + ": instructions"));
  std::string persona;
  if (present(json, "persona") != nullptr) {
    DB_ASSIGN(persona, string_member(json, "persona", source));
    persona = "Persona:\n" + indented(persona) + "\n";
  }
  return persona + "Instructions:\n" + indented(text);
}

Result<Requestor> side_member(const Json& json, const char* key, const std::string& source) {
  DB_ASSIGN(const std::string side, string_member(json, key, source));
  if (side == "assistant") return Requestor::kAgent;
  if (side == "user") return Requestor::kUser;
  return fail(Code::kCorrupt, "{}: {}: wanted assistant or user, found \"{}\"", source, key, side.substr(0, 80));
}

Result<Json> object_member(const Json& json, const char* key, const std::string& source) {
  DB_ASSIGN(const Json* found, member(json, key, source));
  DB_TRY(check_object(*found, fmt::format("{}: {}", source, key)));
  return *found;
}

Result<GoldAction> action_from_json(const Json& json, const std::string& source) {
  GoldAction action;
  DB_ASSIGN(action.call.name, string_member(json, "name", source));
  DB_ASSIGN(action.call.arguments, object_member(json, "arguments", source));
  if (json.contains("requestor")) {
    DB_ASSIGN(action.call.requestor, side_member(json, "requestor", source));
  }
  if (present(json, "compare_args") != nullptr) {
    DB_ASSIGN(action.compared, texts_member(json, "compare_args", source));
  }
  return action;
}

Result<FunctionCall> function_from_json(const Json& json, const std::string& source) {
  FunctionCall call;
  DB_ASSIGN(call.side, side_member(json, "env_type", source));
  DB_ASSIGN(call.name, string_member(json, "func_name", source));
  DB_ASSIGN(call.arguments, object_member(json, "arguments", source));
  if (const Json* wanted = present(json, "assert_value")) {
    if (!wanted->is_boolean()) return fail(Code::kCorrupt, "{}: assert_value: wanted true or false", source);
    call.wanted = wanted->get<bool>();
  }
  return call;
}

/// An array of what `from_json` reads; empty if the member is absent or null.
template <typename T>
Result<std::vector<T>> list_member(const Json& json, const char* key, const std::string& source,
                                   Result<T> (*from_json)(const Json&, const std::string&)) {
  std::vector<T> list;
  if (present(json, key) == nullptr) return list;
  DB_ASSIGN(const Json* found, array_member(json, key, source));
  for (size_t i = 0; i < found->size(); ++i) {
    DB_ASSIGN(T element, from_json((*found)[i], fmt::format("{}: {}[{}]", source, key, i)));
    list.push_back(std::move(element));
  }
  return list;
}

Result<std::vector<Reward>> basis_member(const Json& json, const std::string& source) {
  if (!json.contains("reward_basis")) return std::vector<Reward>{Reward::kDatabase, Reward::kCommunicate};
  DB_ASSIGN(const std::vector<std::string> names, texts_member(json, "reward_basis", source));
  std::vector<Reward> basis;
  for (const std::string& name : names) {
    const auto found = std::find_if(std::begin(kRewards), std::end(kRewards),
                                    [&](Reward reward) { return name == reward_name(reward); });
    if (found == std::end(kRewards)) {
      return fail(Code::kUnsupported, "{}: reward_basis: \"{}\" is unknown", source, name.substr(0, 80));
    }
    basis.push_back(*found);
  }
  return basis;
}

Result<Criteria> criteria_from_json(const Json& json, const std::string& source) {
  DB_TRY(check_object(json, source));
  Criteria criteria;
  criteria.checks_database = present(json, "actions") != nullptr || present(json, "env_assertions") != nullptr;
  DB_ASSIGN(criteria.actions, list_member(json, "actions", source, action_from_json));
  DB_ASSIGN(criteria.assertions, list_member(json, "env_assertions", source, function_from_json));
  DB_ASSIGN(criteria.communicate, texts_member(json, "communicate_info", source));
  DB_ASSIGN(criteria.nl_assertions, texts_member(json, "nl_assertions", source));
  DB_ASSIGN(criteria.basis, basis_member(json, source));
  return criteria;
}

Status read_initial_state(const Json& json, const std::string& source, Task& task) {
  DB_TRY(check_object(json, source));
  if (const Json* data = present(json, "initialization_data")) {
    DB_TRY(check_object(*data, source + ": initialization_data"));
    if (present(*data, "user_data") != nullptr) {
      return fail(Code::kUnsupported, "{}: initialization_data: user_data cannot be honoured in this domain", source);
    }
    if (present(*data, "agent_data") != nullptr) {
      DB_ASSIGN(task.agent_data, object_member(*data, "agent_data", source));
    }
  }
  DB_ASSIGN(task.initialization, list_member(json, "initialization_actions", source, function_from_json));
  if (const Json* history = present(json, "message_history")) {
    DB_ASSIGN(task.history, conversation_from_json(*history, source + ": message_history"));
  }
  return Status();
}

}  // namespace

const char* reward_name(Reward reward) {
  switch (reward) {
    case Reward::kDatabase:
      return "DB";
    case Reward::kEnvAssertion:
      return "ENV_ASSERTION";
    case Reward::kNlAssertion:
      return "NL_ASSERTION";
    case Reward::kAction:
      return "ACTION";
    case Reward::kCommunicate:
      return "COMMUNICATE";
  }
  return "unknown";
}

bool Task::needs_judge() const {
  if (!criteria || criteria->nl_assertions.empty()) return false;
  return std::find(criteria->basis.begin(), criteria->basis.end(), Reward::kNlAssertion) != criteria->basis.end();
}

Result<Task> task_from_json(const Json& json, const std::string& source) {
  Task task;
  DB_ASSIGN(task.id, string_member(json, "id", source));
  const std::string where = fmt::format("{}: task \"{}\"", source, task.id.substr(0, 80));
  DB_ASSIGN(const Json* scenario, member(json, "user_scenario", where));
  DB_ASSIGN(task.scenario, scenario_text(*scenario, where + ": user_scenario"));
  if (present(json, "user_tools") != nullptr) {
    DB_ASSIGN(task.user_tools, texts_member(json, "user_tools", where));
  }
  if (const Json* state = present(json, "initial_state")) {
    DB_TRY(read_initial_state(*state, where + ": initial_state", task));
  }
  if (const Json* criteria = present(json, "evaluation_criteria")) {
    DB_ASSIGN(task.criteria, criteria_from_json(*criteria, where + ": evaluation_criteria"));
  }
  return task;
}

}  // namespace drawbridge::tau2
