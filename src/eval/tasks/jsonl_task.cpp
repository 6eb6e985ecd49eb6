#include "eval/tasks/jsonl_task.h"

#include <filesystem>
#include <set>

#include "base/json_members.h"
#include "eval/tasks/number_filters.h"

namespace drawbridge {
namespace {

Result<EvalItem> read_item(const DataLine& line) {
  EvalItem item;
  DB_ASSIGN(item.id, string_member(line.object, "id", line.source));
  DB_ASSIGN(item.expected, string_member(line.object, "answer", line.source));
  if (line.object.contains("cluster")) {
    DB_ASSIGN(item.cluster, string_member(line.object, "cluster", line.source));
  }
  const bool has_prompt = line.object.contains("prompt");
  if (has_prompt == line.object.contains("messages")) {
    return fail(Code::kCorrupt, "{}: wanted either \"prompt\" or \"messages\", found {}", line.source,
                has_prompt ? "both" : "neither");
  }
  if (has_prompt) {
    DB_ASSIGN(item.prompt, string_member(line.object, "prompt", line.source));
  } else {
    DB_ASSIGN(const Json* messages, array_member(line.object, "messages", line.source));
    item.messages = *messages;
  }
  return item;
}

Result<AnswerFilter> filter_named(const std::string& name) {
  for (AnswerFilter filter : {strict_match_filter(), flexible_extract_filter(), exact_filter()}) {
    if (filter.name == name) return filter;
  }
  return fail(Code::kInvalidArgument, "filter: wanted strict-match, flexible-extract or exact, found \"{}\"", name);
}

}  // namespace

Result<EvalTask> make_jsonl_task(const DataFile& file, const std::vector<std::string>& filters) {
  EvalTask task;
  task.name = std::filesystem::path(file.path).stem().string();
  task.manifest = {{"data", file.describe()}, {"filters", filters}};
  for (const std::string& name : filters) {
    DB_ASSIGN(AnswerFilter filter, filter_named(name));
    task.filters.push_back(std::move(filter));
  }
  DB_ASSIGN(const std::vector<DataLine> lines, parse_json_lines(file));
  std::set<std::string> seen;
  for (const DataLine& line : lines) {
    DB_ASSIGN(EvalItem item, read_item(line));
    if (!seen.insert(item.id).second) {
      return fail(Code::kCorrupt, "{}: id \"{}\" stands twice in the file", line.source, item.id);
    }
    task.items.push_back(std::move(item));
  }
  return task;
}

}  // namespace drawbridge
