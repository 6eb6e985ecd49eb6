// One conversation: agent, simulated user and environment in turns, until one of them ends it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/chat_target.h"
#include "eval/tau2/environment.h"
#include "eval/tau2/message.h"
#include "eval/tau2/task.h"

namespace drawbridge::tau2 {

/// One of the two models, and how it is asked.
struct Participant {
  ChatTarget* target = nullptr;
  std::string system_prompt = {};
  Json tools = Json();  // OpenAI form, or null
  int64_t max_tokens = 4096;
  float temperature = 0;
  float top_p = 1;
  bool enable_thinking = false;
  std::optional<uint64_t> seed = {};
};

struct EpisodeLimits {
  int64_t max_steps = 200;  // messages delivered
  int64_t max_errors = 10;  // tool calls answered by an error
};

enum class Termination {
  kUserStop,
  kMaxSteps,
  kTooManyErrors,
  kAgentError,  // an empty message
  kUserError,
};

/// As in the official harness's result files: "user_stop", "max_steps", ...
const char* termination_name(Termination termination);

struct Episode {
  std::vector<Message> conversation;
  Termination termination = Termination::kUserStop;
  std::string error;     // of kAgentError and kUserError: what was wrong with the message
  Status failure;        // of a target that gave no answer: there is no termination then
  int64_t n_prompt = 0;  // of the agent
  int64_t n_completion = 0;
};

/// `environment` is the task's initial one, and afterwards the final one.
Episode play(const Task& task, Environment& environment, const Participant& agent, const Participant& user,
             const EpisodeLimits& limits);

}  // namespace drawbridge::tau2
