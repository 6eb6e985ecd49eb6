// A domain's databases during one conversation: tool calls of either side change them.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "eval/tau2/domain.h"

namespace drawbridge::tau2 {

enum class Requestor { kAgent, kUser };

/// "assistant" or "user", as tau2-bench writes them.
const char* requestor_name(Requestor requestor);

struct ToolCall {
  std::string id;
  std::string name;
  Json arguments = Json::object();
  Requestor requestor = Requestor::kAgent;
  std::string malformed;  // why a model's arguments are no JSON object; then the call is answered by an error
};

struct ToolReply {
  std::string content;
  bool is_error = false;
};

class Environment {
 public:
  /// `database` and `user_database` have the domain's shapes; the latter is null for a domain without user tools.
  Environment(const Domain& domain, Json database, Json user_database);

  /// What the tool answers; every failure is an answer too.
  ToolReply answer(const ToolCall& call);

  /// As `answer` for initialization and assertions: functions beside the tools, and a failure is the task's.
  Result<Json> call_function(Requestor side, const std::string& name, const Json& arguments);

  /// Whether call_function knows the name.
  bool has_function(Requestor side, const std::string& name) const;

  /// Merges `data` into the agent's database.
  Status update_database(const Json& data, const std::string& source);

  const Domain& domain() const { return *domain_; }
  const Json& database() const { return database_; }
  const Json& user_database() const { return user_database_; }
  bool equals(const Environment& other) const;

 private:
  Result<Json> run(Requestor requestor, const std::string& name, const Json& arguments);

  const Domain* domain_;
  Json database_;
  Json user_database_;
  bool user_tools_lost_ = false;  // see update_database
};

}  // namespace drawbridge::tau2
