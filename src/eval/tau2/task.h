// A task of tau2-bench: a scenario for the simulated user, the state that it starts from, and what is checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "eval/tau2/message.h"

namespace drawbridge::tau2 {

enum class Reward { kDatabase, kEnvAssertion, kNlAssertion, kAction, kCommunicate };

/// As in reward_basis: "DB", "ENV_ASSERTION", "NL_ASSERTION", "ACTION", "COMMUNICATE".
const char* reward_name(Reward reward);

struct GoldAction {
  ToolCall call;
  std::optional<std::vector<std::string>> compared;  // the arguments that count; absent: those of the agent's call
};

struct FunctionCall {
  Requestor side = Requestor::kAgent;
  std::string name;
  Json arguments;
  bool wanted = true;  // of an assertion
};

struct Criteria {
  bool checks_database = false;  // there are actions or assertions, even if none are listed
  std::vector<GoldAction> actions;
  std::vector<FunctionCall> assertions;
  std::vector<std::string> communicate;
  std::vector<std::string> nl_assertions;
  std::vector<Reward> basis;
};

struct Task {
  std::string id;
  std::string scenario;                                // what the simulated user is told
  std::optional<std::vector<std::string>> user_tools;  // the only ones offered to the user
  Json agent_data;                                     // merged into the agent's database, or null
  std::vector<FunctionCall> initialization;
  std::vector<Message> history;
  std::optional<Criteria> criteria;

  /// Whether its reward needs a judge of natural language, which there is none of here.
  bool needs_judge() const;
};

/// `source` starts every message. Members that no domain here uses are ignored; those it cannot honour are refused.
Result<Task> task_from_json(const Json& json, const std::string& source);

}  // namespace drawbridge::tau2
