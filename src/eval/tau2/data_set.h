// The official data directory of tau2-bench: tasks, databases, policy and guidelines of one domain.
#pragma once

#include <string>
#include <vector>

#include "eval/tau2/environment.h"
#include "eval/tau2/task.h"

namespace drawbridge::tau2 {

struct DataSet {
  std::vector<Task> tasks;
  Environment fresh;       // the domain's databases as they are stored
  std::string policy;      // what the agent has to follow
  std::string guidelines;  // how the user is to be simulated
  Json digests;            // SHA-256 of each file that was read
};

/// Reads DIRECTORY/tau2/domains/DOMAIN and DIRECTORY/tau2/user_simulator. `split` is a list of split_tasks.json; empty:
/// all tasks. Errors name the file and the member.
Result<DataSet> load_data_set(const std::string& directory, const std::string& domain, const std::string& split);

/// The domain's tasks as an array or a result file has them: refuses an ID that stands twice and whatever names a
/// function or user tool that the domain lacks.
Result<std::vector<Task>> tasks_from_json(const Json& json, const Environment& fresh, const std::string& source);

}  // namespace drawbridge::tau2
