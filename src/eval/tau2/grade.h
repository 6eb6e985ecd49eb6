// The reward of a conversation: the product of what the task's reward_basis lists.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "eval/tau2/environment.h"
#include "eval/tau2/message.h"
#include "eval/tau2/task.h"

namespace drawbridge::tau2 {

struct Grade {
  double reward = 1;                            // without what was not judged
  std::vector<std::pair<Reward, bool>> checks;  // of the basis, in its order; not those that were not judged
  bool is_complete = true;                      // false: the basis has assertions in natural language

  std::string summary() const;  // "DB=1 COMMUNICATE=0"
};

using OnReply = std::function<void(const ToolCall& call, const ToolReply& reply)>;

/// The environment in which a task starts: its data merged, its actions and the calls of its history made. `fresh`
/// holds the domain's databases. Errors are the task's.
Result<Environment> initial_environment(const Task& task, const Environment& fresh);

/// The environment after a conversation, the task's history included. `on_reply`, if there is one, is told what each
/// call is answered now.
Result<Environment> final_environment(const Task& task, const Environment& fresh,
                                      const std::vector<Message>& conversation, const OnReply& on_reply = {});

/// Grades a conversation that the user or the agent ended; any other has reward 0 whatever was checked.
Result<Grade> grade(const Task& task, const Environment& fresh, const std::vector<Message>& conversation);

}  // namespace drawbridge::tau2
