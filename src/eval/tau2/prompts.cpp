#include "eval/tau2/prompts.h"

#include <algorithm>
#include <set>

#include "base/json_members.h"
#include "base/json_path.h"
#include "base/mapped_file.h"
#include "base/sha256.h"

namespace drawbridge::tau2 {
namespace {

constexpr size_t kMaxBytes = 4u << 20;

constexpr const char* kInstruction =
    "You are a customer service agent. Help the user, and follow the <policy> below in everything you do.\n"
    "Each of your turns is either a message to the user or tool calls, never both.";

Json schemas_of(const std::vector<Tool>& tools) {
  Json schemas = Json::array();
  for (const Tool& tool : tools) schemas.push_back(tool_schema(tool));
  return schemas;
}

std::string name_of(const Json& schema) {
  return text_at(schema, {"function", "name"});
}

Result<Json> schemas_member(const Json& json, const char* key, const std::vector<Tool>& tools,
                            const std::string& source) {
  DB_ASSIGN(const Json* schemas, array_member(json, key, source));
  std::set<std::string> wanted;
  for (const Tool& tool : tools) wanted.insert(tool.name);
  std::set<std::string> found;
  for (const Json& schema : *schemas) found.insert(name_of(schema));
  if (found == wanted && schemas->size() == wanted.size()) return *schemas;
  return fail(Code::kCorrupt, "{}: {}: wanted one schema for each of {}, found {}", source, key,
              fmt::join(wanted, ", "), fmt::join(found, ", "));
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

Prompts built_in_prompts(const Domain& domain) {
  return {kInstruction, schemas_of(domain.agent.tools), domain.user ? schemas_of(domain.user->tools) : Json(), ""};
}

Result<Prompts> read_prompts(const std::string& path, const Domain& domain) {
  DB_ASSIGN(const std::string text, read_text_file(path, kMaxBytes));
  DB_ASSIGN(const Json json, parse_json(text, path));
  Prompts prompts;
  DB_ASSIGN(prompts.agent_instruction, string_member(json, "agent_instruction", path));
  DB_ASSIGN(prompts.agent_tools, schemas_member(json, "agent_tools", domain.agent.tools, path));
  if (domain.user) {
    DB_ASSIGN(prompts.user_tools, schemas_member(json, "user_tools", domain.user->tools, path));
  }
  prompts.sha256 = sha256_of(text);
  return prompts;
}

std::string agent_system_prompt(const Prompts& prompts, const DataSet& data) {
  return "<instructions>\n" + prompts.agent_instruction + "\n</instructions>\n<policy>\n" + data.policy + "\n</policy>";
}

std::string user_system_prompt(const DataSet& data, const Task& task) {
  std::string guidelines = data.guidelines;
  replace(guidelines, "<PERSONA_GUIDELINES>", "");
  return guidelines + "\n\n<scenario>\n" + task.scenario + "\n</scenario>";
}

Json user_tools_of(const Prompts& prompts, const Task& task) {
  if (!task.user_tools || prompts.user_tools.is_null()) return prompts.user_tools;
  Json offered;
  for (const Json& schema : prompts.user_tools) {
    const auto& names = *task.user_tools;
    if (std::find(names.begin(), names.end(), name_of(schema)) != names.end()) offered.push_back(schema);
  }
  return offered;
}

}  // namespace drawbridge::tau2
