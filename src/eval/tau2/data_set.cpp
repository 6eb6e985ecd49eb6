#include "eval/tau2/data_set.h"

#include <algorithm>
#include <set>

#include "base/json_members.h"
#include "base/mapped_file.h"
#include "base/sha256.h"

namespace drawbridge::tau2 {
namespace {

constexpr size_t kMaxTextBytes = 4u << 20;
constexpr JsonLimits kLimits = {
    .max_bytes = 64u << 20, .max_depth = 32, .max_keys_per_object = 16384, .max_keys = 2u << 20};

/// Reads files below one directory and keeps their digests.
class Reader {
 public:
  explicit Reader(std::string directory) : directory_(std::move(directory)) {}

  Result<std::string> read_text(const std::string& name, size_t max_bytes = kMaxTextBytes) {
    DB_ASSIGN(std::string text, read_text_file(path(name), max_bytes));
    digests_[name] = sha256_of(text);
    return text;
  }
  Result<Json> read_json(const std::string& name) {
    DB_ASSIGN(const std::string text, read_text(name, kLimits.max_bytes));
    return parse_json(text, path(name), kLimits);
  }
  Result<Json> read_database(const std::string& name, const Shape& shape) {
    DB_ASSIGN(const Json json, read_json(name));
    return normalize(shape, json, path(name));
  }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  const Json& digests() const { return digests_; }

 private:
  std::string directory_;
  Json digests_ = Json::object();
};

Result<Environment> read_databases(Reader& reader, const std::string& folder, const Domain& domain) {
  DB_ASSIGN(Json database, reader.read_database(folder + "db.json", domain.agent.shape));
  Json user_database;
  if (domain.user) {
    DB_ASSIGN(user_database, reader.read_database(folder + "user_db.json", domain.user->shape));
  }
  return Environment(domain, std::move(database), std::move(user_database));
}

Status keep_split(Reader& reader, const std::string& folder, const std::string& split, std::vector<Task>& tasks) {
  const std::string name = folder + "split_tasks.json";
  DB_ASSIGN(const Json splits, reader.read_json(name));
  DB_ASSIGN(const Json* ids, array_member(splits, split.c_str(), reader.path(name)));
  const auto is_other = [ids = ids](const Task& task) {
    return std::find(ids->begin(), ids->end(), task.id) == ids->end();
  };
  tasks.erase(std::remove_if(tasks.begin(), tasks.end(), is_other), tasks.end());
  if (!tasks.empty()) return Status();
  return fail(Code::kNotFound, "{}: {}: names no task of tasks.json", reader.path(name), split);
}

Status check_names(const Task& task, const Environment& fresh, const std::string& source) {
  std::vector<FunctionCall> functions = task.initialization;
  if (task.criteria) {
    functions.insert(functions.end(), task.criteria->assertions.begin(), task.criteria->assertions.end());
  }
  const Domain& domain = fresh.domain();
  for (const FunctionCall& call : functions) {
    if (fresh.has_function(call.side, call.name)) continue;
    return fail(Code::kUnsupported, "{}: task \"{}\": the {} domain has no {} function \"{}\"", source, task.id,
                domain.name, requestor_name(call.side), call.name.substr(0, 80));
  }
  for (const std::string& name : task.user_tools.value_or(std::vector<std::string>())) {
    if (domain.user && find_tool(domain.user->tools, name) != nullptr) continue;
    return fail(Code::kUnsupported, "{}: task \"{}\": user_tools: the {} domain has no user tool \"{}\"", source,
                task.id, domain.name, name.substr(0, 80));
  }
  return Status();
}

}  // namespace

Result<std::vector<Task>> tasks_from_json(const Json& json, const Environment& fresh, const std::string& source) {
  if (!json.is_array() || json.empty()) return fail(Code::kCorrupt, "{}: wanted an array of tasks", source);
  std::vector<Task> tasks;
  std::set<std::string> ids;
  for (const Json& element : json) {
    DB_ASSIGN(Task task, task_from_json(element, source));
    if (!ids.insert(task.id).second) return fail(Code::kCorrupt, "{}: task \"{}\" stands twice", source, task.id);
    DB_TRY(check_names(task, fresh, source));
    tasks.push_back(std::move(task));
  }
  return tasks;
}

Result<DataSet> load_data_set(const std::string& directory, const std::string& domain_name, const std::string& split) {
  DB_ASSIGN(const Domain* domain, find_domain(domain_name));
  const std::string folder = "tau2/domains/" + domain_name + "/";
  Reader reader(directory);
  DB_ASSIGN(Environment fresh, read_databases(reader, folder, *domain));
  DB_ASSIGN(const Json tasks_json, reader.read_json(folder + "tasks.json"));
  DB_ASSIGN(std::vector<Task> tasks, tasks_from_json(tasks_json, fresh, reader.path(folder + "tasks.json")));
  if (!split.empty()) DB_TRY(keep_split(reader, folder, split, tasks));
  DB_ASSIGN(std::string policy, reader.read_text(folder + "policy.md"));
  const char* guidelines_name = domain->user ? "simulation_guidelines_tools.md" : "simulation_guidelines.md";
  DB_ASSIGN(std::string guidelines, reader.read_text(std::string("tau2/user_simulator/") + guidelines_name));
  return DataSet{std::move(tasks), std::move(fresh), std::move(policy), std::move(guidelines), reader.digests()};
}

}  // namespace drawbridge::tau2
