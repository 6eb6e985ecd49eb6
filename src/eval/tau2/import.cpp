#include "eval/tau2/import.h"

#include <algorithm>
#include <filesystem>

#include "base/json_members.h"
#include "base/json_path.h"
#include "base/mapped_file.h"

namespace drawbridge::tau2 {
namespace {

constexpr JsonLimits kLimits = {
    .max_bytes = 1u << 30, .max_depth = 128, .max_keys_per_object = 16384, .max_keys = 64u << 20};

Result<Json> read_json(const std::string& path) {
  DB_ASSIGN(const std::string text, read_text_file(path, kLimits.max_bytes));
  return parse_json(text, path, kLimits);
}

/// Files below `directory` that end in .json, sorted.
Result<std::vector<std::string>> json_files(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".json") files.push_back(entry->path().string());
  }
  if (error) return fail(Code::kNotFound, "{}: cannot be listed: {}", directory, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

Json manifest_of(const Json& results, size_t n_simulations) {
  return {{"harness", "tau2-bench"},
          {"git_commit", text_at(results, {"info", "git_commit"})},
          {"domain", text_at(results, {"info", "environment_info", "domain_name"})},
          {"agent",
           {{"model", text_at(results, {"info", "agent_info", "llm"})},
            {"implementation", text_at(results, {"info", "agent_info", "implementation"})},
            {"arguments", value_at(results, {"info", "agent_info", "llm_args"})}}},
          {"user",
           {{"model", text_at(results, {"info", "user_info", "llm"})},
            {"implementation", text_at(results, {"info", "user_info", "implementation"})},
            {"arguments", value_at(results, {"info", "user_info", "llm_args"})}}},
          {"n_trials", value_at(results, {"info", "num_trials"})},
          {"max_steps", value_at(results, {"info", "max_steps"})},
          {"max_errors", value_at(results, {"info", "max_errors"})},
          {"seed", value_at(results, {"info", "seed"})},
          {"n_simulations", n_simulations}};
}

struct Simulation {
  std::string task_id;
  int64_t trial = 0;
  std::string termination;

  bool is_ended() const { return termination == "user_stop" || termination == "agent_stop"; }
};

Result<Simulation> simulation_from_json(const Json& json, const std::string& source) {
  DB_TRY(check_object(json, source));
  Simulation simulation;
  DB_ASSIGN(simulation.task_id, string_member(json, "task_id", source));
  DB_ASSIGN(simulation.termination, string_member(json, "termination_reason", source));
  if (const auto trial = json.find("trial"); trial != json.end() && !trial->is_null()) {
    DB_ASSIGN(simulation.trial, count_member(json, "trial", source));
  }
  return simulation;
}

/// Tokens that the agent's messages say they took.
int64_t tokens(const Json& simulation, const char* which) {
  int64_t total = 0;
  const Json messages = simulation.value("messages", Json());
  for (const Json& message : messages) {
    if (text_at(message, {"role"}) != "assistant") continue;
    const Json count = value_at(message, {"usage", which});
    if (count.is_number_integer() && count >= 0 && count < 1000000000) total += count.get<int64_t>();
  }
  return total;
}

Status take_reward(const Json& json, const std::string& source, ItemResult& item) {
  DB_ASSIGN(const Json* info, member(json, "reward_info", source));
  if (info->is_null()) {
    item.status = ItemStatus::kFailed;
    item.error = "no reward was computed";
    return Status();
  }
  DB_ASSIGN(item.score, number_member(*info, "reward", source + ": reward_info"));
  if (!(item.score >= 0 && item.score <= 1)) {
    return fail(Code::kCorrupt, "{}: reward_info: reward: wanted 0 to 1, found {}", source, item.score);
  }
  const Json breakdown = value_at(*info, {"reward_breakdown"});
  if (breakdown.is_object()) item.answer += " " + dump_json(breakdown);
  return Status();
}

Result<ItemResult> item_of(const Json& json, const std::string& source) {
  DB_ASSIGN(const Simulation simulation, simulation_from_json(json, source));
  ItemResult item;
  item.id = simulation.task_id;
  item.cluster = simulation.task_id;
  item.trial = simulation.trial;
  item.answer = simulation.termination;
  item.n_prompt = tokens(json, "prompt_tokens");
  item.n_completion = tokens(json, "completion_tokens");
  if (simulation.is_ended()) {
    DB_TRY(take_reward(json, source, item));
  } else if (simulation.termination == "max_steps") {
    item.status = ItemStatus::kTruncated;
  } else {
    item.status = ItemStatus::kFailed;
    item.error = simulation.termination;
  }
  return item;
}

}  // namespace

Result<Json> read_official_results(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return read_json(path);
  DB_ASSIGN(Json results, read_json(path + "/results.json"));
  DB_TRY(check_object(results, path + "/results.json"));
  DB_ASSIGN(const std::vector<std::string> files, json_files(path + "/simulations"));
  Json simulations = Json::array();
  for (const std::string& file : files) {
    DB_ASSIGN(Json simulation, read_json(file));
    simulations.push_back(std::move(simulation));
  }
  results["simulations"] = std::move(simulations);
  return results;
}

Result<std::string> domain_of(const Json& results, const std::string& source) {
  std::string domain = text_at(results, {"info", "environment_info", "domain_name"});
  if (!domain.empty()) return domain;
  return fail(Code::kCorrupt, "{}: info.environment_info.domain_name: wanted a string; is this a result file of tau2?",
              source);
}

Result<SystemResult> import_official_results(const Json& results, const std::string& label, const std::string& source) {
  DB_ASSIGN(const std::string domain, domain_of(results, source));
  DB_ASSIGN(const Json* simulations, array_member(results, "simulations", source));
  if (simulations->empty()) return fail(Code::kCorrupt, "{}: simulations: there are none", source);
  TaskResult task{"tau2_" + domain, 1, "official", 0, "reward", {}};
  for (size_t i = 0; i < simulations->size(); ++i) {
    DB_ASSIGN(ItemResult item, item_of((*simulations)[i], fmt::format("{}: simulations[{}]", source, i)));
    task.items.push_back(std::move(item));
  }
  std::sort(task.items.begin(), task.items.end(), [](const ItemResult& a, const ItemResult& b) {
    return std::pair(a.id, a.trial) < std::pair(b.id, b.trial);
  });
  const auto twice =
      std::adjacent_find(task.items.begin(), task.items.end(),
                         [](const ItemResult& a, const ItemResult& b) { return a.id == b.id && a.trial == b.trial; });
  if (twice != task.items.end()) {
    return fail(Code::kCorrupt, "{}: simulations: task \"{}\", trial {} stands twice", source, twice->id, twice->trial);
  }
  return SystemResult{label, manifest_of(results, simulations->size()), {std::move(task)}};
}

}  // namespace drawbridge::tau2
