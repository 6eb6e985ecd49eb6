#include "eval/tau2/environment.h"

#include "eval/tau2/python_values.h"

namespace drawbridge::tau2 {
namespace {

/// Objects member by member, anything else as a whole.
void merge(Json& into, const Json& update) {
  if (!into.is_object() || !update.is_object()) {
    into = update;
    return;
  }
  for (const auto& [key, value] : update.items()) merge(into[key], value);
}

}  // namespace

const char* requestor_name(Requestor requestor) {
  return requestor == Requestor::kAgent ? "assistant" : "user";
}

Environment::Environment(const Domain& domain, Json database, Json user_database)
    : domain_(&domain), database_(std::move(database)), user_database_(std::move(user_database)) {}

ToolReply Environment::answer(const ToolCall& call) {
  if (!call.malformed.empty()) return {"Error: " + call.malformed, true};
  const Result<Json> answer = run(call.requestor, call.name, call.arguments);
  if (!answer.ok()) return {"Error: " + answer.status().message(), true};
  return {answer->is_string() ? answer->get<std::string>() : python_dumps(*answer), false};
}

Result<Json> Environment::run(Requestor requestor, const std::string& name, const Json& arguments) {
  const bool is_user = requestor == Requestor::kUser;
  if (is_user && !domain_->user) return fail(Code::kUnsupported, "User tools not available");
  const ToolKit& kit = is_user ? *domain_->user : domain_->agent;
  const Tool* tool = find_tool(kit.tools, name);
  if (tool == nullptr) return fail(Code::kNotFound, "Tool '{}' not found.", name);
  DB_ASSIGN(const Json bound, bind_arguments(*tool, arguments, kit.owner));
  if (is_user && user_tools_lost_) {
    return fail(Code::kUnsupported, "'{}' object has no attribute '{}'", domain_->agent.database_class,
                kit.shape.fields[0].name);
  }
  return tool->body(is_user ? user_database_ : database_, bound);
}

Result<Json> Environment::call_function(Requestor side, const std::string& name, const Json& arguments) {
  const bool is_user = side == Requestor::kUser;
  if (is_user && !domain_->user) {
    return fail(Code::kUnsupported, "function \"{}\": the {} domain has no user side", name, domain_->name);
  }
  const ToolKit& kit = is_user ? *domain_->user : domain_->agent;
  const Tool* function = find_tool(kit.functions, name);
  if (function == nullptr) return run(side, name, arguments);
  DB_ASSIGN(const Json bound, bind_arguments(*function, arguments, kit.owner));
  return function->body(is_user ? user_database_ : database_, bound);
}

bool Environment::has_function(Requestor side, const std::string& name) const {
  if (side == Requestor::kUser && !domain_->user) return false;
  const ToolKit& kit = side == Requestor::kUser ? *domain_->user : domain_->agent;
  return find_tool(kit.tools, name) != nullptr || find_tool(kit.functions, name) != nullptr;
}

Status Environment::update_database(const Json& data, const std::string& source) {
  Json merged = database_;
  merge(merged, data);
  DB_ASSIGN(database_, normalize(domain_->agent.shape, merged, source));
  // tau2-bench points the user's tools at the agent's database here, whose class lacks what they use.
  user_tools_lost_ = domain_->user.has_value();
  return Status();
}

bool Environment::equals(const Environment& other) const {
  return python_equal(database_, other.database_) && python_equal(user_database_, other.user_database_);
}

}  // namespace drawbridge::tau2
