#include "eval/result.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "base/json_members.h"
#include "base/mapped_file.h"

namespace drawbridge {
namespace {

constexpr const char* kFormat = "drawbridge-eval-1";
constexpr JsonLimits kLimits = {
    .max_bytes = 256u << 20, .max_depth = 64, .max_keys_per_object = 1024, .max_keys = 8u << 20};

Json task_to_json(const TaskResult& task) {
  Json items = Json::array();
  for (const ItemResult& item : task.items) items.push_back(item_to_json(item));
  return {{"task", task.task},     {"version", task.version}, {"filter", task.filter},
          {"n_shot", task.n_shot}, {"metric", task.metric},   {"items", std::move(items)}};
}

Result<TaskResult> task_from_json(const Json& json, const std::string& source) {
  TaskResult task;
  DB_ASSIGN(task.task, string_member(json, "task", source));
  DB_ASSIGN(task.version, integer_member(json, "version", source));
  DB_ASSIGN(task.filter, string_member(json, "filter", source));
  DB_ASSIGN(task.n_shot, count_member(json, "n_shot", source));
  DB_ASSIGN(task.metric, string_member(json, "metric", source));
  DB_ASSIGN(const Json* items, array_member(json, "items", source));
  std::set<std::pair<std::string, int64_t>> seen;
  for (size_t i = 0; i < items->size(); ++i) {
    const std::string where = fmt::format("{}: items[{}]", source, i);
    DB_ASSIGN(ItemResult item, item_from_json((*items)[i], where));
    if (!seen.emplace(item.id, item.trial).second) {
      return fail(Code::kCorrupt, "{}: id \"{}\" with trial {} stands twice in the task", where, item.id, item.trial);
    }
    task.items.push_back(std::move(item));
  }
  return task;
}

}  // namespace

const char* item_status_name(ItemStatus status) {
  switch (status) {
    case ItemStatus::kAnswered:
      return "answered";
    case ItemStatus::kTruncated:
      return "truncated";
    case ItemStatus::kFailed:
      return "failed";
  }
  return "unknown";
}

Result<ItemStatus> status_member(const Json& object, const std::string& source) {
  DB_ASSIGN(const std::string name, string_member(object, "status", source));
  for (const ItemStatus status : {ItemStatus::kAnswered, ItemStatus::kTruncated, ItemStatus::kFailed}) {
    if (name == item_status_name(status)) return status;
  }
  return fail(Code::kCorrupt, "{}: status: wanted answered, truncated or failed, found \"{}\"", source,
              name.substr(0, 80));
}

Json item_to_json(const ItemResult& item) {
  return {{"id", item.id},
          {"cluster", item.cluster},
          {"trial", item.trial},
          {"score", item.score},
          {"status", item_status_name(item.status)},
          {"expected", item.expected},
          {"answer", item.answer},
          {"error", item.error},
          {"n_prompt", item.n_prompt},
          {"n_completion", item.n_completion}};
}

Result<ItemResult> item_from_json(const Json& json, const std::string& source) {
  ItemResult item;
  DB_ASSIGN(item.id, string_member(json, "id", source));
  DB_ASSIGN(item.cluster, string_member(json, "cluster", source));
  DB_ASSIGN(item.trial, count_member(json, "trial", source));
  DB_ASSIGN(item.score, number_member(json, "score", source));
  DB_ASSIGN(item.status, status_member(json, source));
  DB_ASSIGN(item.expected, string_member(json, "expected", source));
  DB_ASSIGN(item.answer, string_member(json, "answer", source));
  DB_ASSIGN(item.error, string_member(json, "error", source));
  DB_ASSIGN(item.n_prompt, count_member(json, "n_prompt", source));
  DB_ASSIGN(item.n_completion, count_member(json, "n_completion", source));
  if (!(item.score >= 0 && item.score <= 1)) {
    return fail(Code::kCorrupt, "{}: score: wanted 0 to 1, found {}", source, item.score);
  }
  if (item.score != 0 && item.status != ItemStatus::kAnswered) {
    return fail(Code::kCorrupt, "{}: score: wanted 0 for an item that is {}, found {}", source,
                item_status_name(item.status), item.score);
  }
  return item;
}

Json system_to_json(const SystemResult& system) {
  Json tasks = Json::array();
  for (const TaskResult& task : system.tasks) tasks.push_back(task_to_json(task));
  return {{"format", kFormat}, {"label", system.label}, {"manifest", system.manifest}, {"tasks", std::move(tasks)}};
}

Result<SystemResult> parse_system_result(std::string_view text, const std::string& source) {
  DB_ASSIGN(const Json json, parse_json(text, source, kLimits));
  DB_ASSIGN(const std::string format, string_member(json, "format", source));
  if (format != kFormat) {
    return fail(Code::kUnsupported, "{}: format: wanted \"{}\", found \"{}\"", source, kFormat, format.substr(0, 80));
  }
  SystemResult system;
  DB_ASSIGN(system.label, string_member(json, "label", source));
  DB_ASSIGN(const Json* manifest, member(json, "manifest", source));
  DB_TRY(check_object(*manifest, source + ": manifest"));
  system.manifest = *manifest;
  DB_ASSIGN(const Json* tasks, array_member(json, "tasks", source));
  for (size_t i = 0; i < tasks->size(); ++i) {
    DB_ASSIGN(TaskResult task, task_from_json((*tasks)[i], fmt::format("{}: tasks[{}]", source, i)));
    system.tasks.push_back(std::move(task));
  }
  return system;
}

Result<SystemResult> read_system_result(const std::string& path) {
  DB_ASSIGN(const std::string text, read_text_file(path, kLimits.max_bytes));
  return parse_system_result(text, path);
}

Status write_system_result(const SystemResult& system, const std::string& path) {
  const std::string staged = path + ".partial";
  std::ofstream out(staged, std::ios::binary);
  out << pretty_json(system_to_json(system));
  out.close();
  if (!out) return fail(Code::kResourceExhausted, "{}: cannot be written: no permission, or the disk is full", staged);
  std::error_code error;
  std::filesystem::rename(staged, path, error);
  if (!error) return Status();
  return fail(Code::kPermissionDenied, "{}: cannot be renamed to {}: {}", staged, path, error.message());
}

}  // namespace drawbridge
