#include "eval/tau2/grade.h"

#include <algorithm>

#include "eval/tau2/python_values.h"

namespace drawbridge::tau2 {
namespace {

/// Whether the databases are those that the task's own actions lead to. A gold action that fails changes what it
/// changes, as in tau2-bench.
Result<bool> database_matches(const Task& task, const Environment& fresh, const Environment& final) {
  if (!task.criteria->checks_database) return true;
  DB_ASSIGN(Environment gold, initial_environment(task, fresh));
  for (const GoldAction& action : task.criteria->actions) {
    gold.answer(action.call);
  }
  return gold.equals(final);
}

/// An assertion that fails to look something up does not hold.
bool assertions_hold(const Task& task, Environment& final) {
  const auto& assertions = task.criteria->assertions;
  return std::all_of(assertions.begin(), assertions.end(), [&](const FunctionCall& assertion) {
    const Result<Json> found = final.call_function(assertion.side, assertion.name, assertion.arguments);
    return found.ok() && *found == Json(assertion.wanted);
  });
}

/// The arguments that are compared.
Json selected(const Json& arguments, const std::vector<std::string>& names) {
  Json selection = Json::object();
  for (const std::string& name : names) {
    if (const auto found = arguments.find(name); found != arguments.end()) selection[name] = *found;
  }
  return selection;
}

bool is_made_by(const GoldAction& action, const ToolCall& call) {
  if (action.call.name != call.name) return false;
  std::vector<std::string> names;
  if (action.compared) {
    names = *action.compared;
  } else {
    for (const auto& [name, value] : call.arguments.items()) names.push_back(name);
  }
  return python_equal(selected(action.call.arguments, names), selected(call.arguments, names));
}

bool actions_made(const Criteria& criteria, const std::vector<Message>& conversation) {
  return std::all_of(criteria.actions.begin(), criteria.actions.end(), [&](const GoldAction& action) {
    return std::any_of(conversation.begin(), conversation.end(), [&](const Message& message) {
      return std::any_of(message.tool_calls.begin(), message.tool_calls.end(),
                         [&](const ToolCall& call) { return is_made_by(action, call); });
    });
  });
}

bool communicated(const Criteria& criteria, const std::vector<Message>& conversation) {
  std::vector<std::string> said;
  for (const Message& message : conversation) {
    if (message.speaker != Speaker::kAgent || !message.has_text()) continue;
    std::string text = ascii_lower(message.content);
    text.erase(std::remove(text.begin(), text.end(), ','), text.end());
    said.push_back(std::move(text));
  }
  return std::all_of(criteria.communicate.begin(), criteria.communicate.end(), [&](const std::string& info) {
    return std::any_of(said.begin(), said.end(), [wanted = ascii_lower(info)](const std::string& text) {
      return text.find(wanted) != std::string::npos;
    });
  });
}

Result<bool> check(Reward reward, const Task& task, const Environment& fresh, Environment& final,
                   const std::vector<Message>& conversation) {
  switch (reward) {
    case Reward::kDatabase:
      return database_matches(task, fresh, final);
    case Reward::kEnvAssertion:
      return assertions_hold(task, final);
    case Reward::kAction:
      return actions_made(*task.criteria, conversation);
    case Reward::kCommunicate:
      return communicated(*task.criteria, conversation);
    case Reward::kNlAssertion:
      return task.criteria->nl_assertions.empty();
  }
  return fail(Code::kInternal, "unknown reward");
}

}  // namespace

std::string Grade::summary() const {
  std::vector<std::string> parts;
  for (const auto& [kind, met] : checks) parts.push_back(fmt::format("{}={}", reward_name(kind), met ? 1 : 0));
  if (!is_complete) parts.push_back("NL_ASSERTION=not evaluated");
  return fmt::format("{}", fmt::join(parts, " "));
}

Result<Environment> initial_environment(const Task& task, const Environment& fresh) {
  return final_environment(task, fresh, task.history);
}

Result<Environment> final_environment(const Task& task, const Environment& fresh,
                                      const std::vector<Message>& conversation, const OnReply& on_reply) {
  Environment environment = fresh;
  const std::string source = fmt::format("task \"{}\": initial_state", task.id);
  if (!task.agent_data.is_null()) DB_TRY(environment.update_database(task.agent_data, source));
  for (const FunctionCall& call : task.initialization) {
    const Result<Json> done = environment.call_function(call.side, call.name, call.arguments);
    if (!done.ok()) return fail(Code::kCorrupt, "{}: {}: {}", source, call.name, done.status().message());
  }
  for (const Message& message : conversation) {
    for (const ToolCall& call : message.tool_calls) {
      const ToolReply reply = environment.answer(call);
      if (on_reply) on_reply(call, reply);
    }
  }
  return environment;
}

Result<Grade> grade(const Task& task, const Environment& fresh, const std::vector<Message>& conversation) {
  Grade result;
  result.is_complete = !task.needs_judge();
  if (!task.criteria) return result;
  DB_ASSIGN(Environment final, final_environment(task, fresh, conversation));
  for (const Reward reward : task.criteria->basis) {
    if (reward == Reward::kNlAssertion && !result.is_complete) continue;
    DB_ASSIGN(const bool met, check(reward, task, fresh, final, conversation));
    result.checks.emplace_back(reward, met);
    result.reward *= met ? 1 : 0;
  }
  return result;
}

}  // namespace drawbridge::tau2
