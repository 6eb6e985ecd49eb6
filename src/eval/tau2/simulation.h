// tau2 for the runner: each task is an item, an answer is a whole conversation, and its score is the reward.
#pragma once

#include <memory>
#include <string>

#include "eval/tasks/task.h"
#include "eval/tau2/data_set.h"
#include "eval/tau2/episode.h"
#include "eval/tau2/prompts.h"

namespace drawbridge::tau2 {

/// Tasks whose reward needs a judge of natural language.
enum class JudgedTasks {
  kRefuse,   // an error that says how many there are
  kExclude,  // they are left out
  kPartial,  // scored by the rest of their reward; the filter's name says so
};

struct SimulationOptions {
  std::string directory;
  std::string domain;
  std::string split = "base";
  std::string prompts_path;  // empty: built in
  JudgedTasks judged = JudgedTasks::kRefuse;
  EpisodeLimits limits;
  int64_t agent_max_tokens = 4096;  // of one message
  int64_t user_max_tokens = 4096;
  float agent_temperature = 0;
  float user_temperature = 0;
};

/// What the items and the target below share; it outlives both.
struct Simulation {
  SimulationOptions options;
  DataSet data;
  Prompts prompts;
};

Result<std::shared_ptr<const Simulation>> load_simulation(const SimulationOptions& options);

/// An item for each task. Its score replays the conversation on fresh databases.
EvalTask make_simulation_task(std::shared_ptr<const Simulation> simulation);

/// Plays the conversation of an item. A limit of steps truncates it; an error of either target fails it; whatever the
/// models do wrong is an answer without reward.
std::unique_ptr<ChatTarget> make_simulation_target(std::shared_ptr<const Simulation> simulation, ChatTarget& agent,
                                                   ChatTarget& user);

}  // namespace drawbridge::tau2
