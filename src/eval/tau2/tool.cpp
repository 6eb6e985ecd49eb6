#include "eval/tau2/tool.h"

#include <algorithm>

namespace drawbridge::tau2 {
namespace {

/// "'a'", "'a' and 'b'", "'a', 'b', and 'c'".
std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += names.size() == 2 ? " and " : i + 1 == names.size() ? ", and " : ", ";
    out += "'" + names[i] + "'";
  }
  return out;
}

}  // namespace

Json tool_schema(const Tool& tool) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Parameter& parameter : tool.parameters) {
    Json property = parameter.schema;
    if (!parameter.description.empty()) property["description"] = parameter.description;
    if (!parameter.optional) required.push_back(parameter.name);
    properties[parameter.name] = std::move(property);
  }
  Json parameters = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) parameters["required"] = std::move(required);
  return {
      {"type", "function"},
      {"function", {{"name", tool.name}, {"description", tool.description}, {"parameters", std::move(parameters)}}}};
}

Result<Json> bind_arguments(const Tool& tool, const Json& arguments, const std::string& owner) {
  for (const auto& [key, value] : arguments.items()) {
    const bool known = std::any_of(tool.parameters.begin(), tool.parameters.end(),
                                   [&, &name = key](const Parameter& p) { return p.name == name; });
    if (!known) {
      return fail(Code::kInvalidArgument, "{}.{}() got an unexpected keyword argument '{}'", owner, tool.name, key);
    }
  }
  Json bound = Json::object();
  std::vector<std::string> missing;
  for (const Parameter& parameter : tool.parameters) {
    const auto given = arguments.find(parameter.name);
    if (given != arguments.end()) {
      bound[parameter.name] = *given;
    } else if (parameter.optional) {
      bound[parameter.name] = Json();
    } else {
      missing.push_back(parameter.name);
    }
  }
  if (missing.empty()) return bound;
  return fail(Code::kInvalidArgument, "{}.{}() missing {} required positional argument{}: {}", owner, tool.name,
              missing.size(), missing.size() == 1 ? "" : "s", listed(missing));
}

const Tool* find_tool(const std::vector<Tool>& tools, const std::string& name) {
  const auto found = std::find_if(tools.begin(), tools.end(), [&](const Tool& tool) { return tool.name == name; });
  return found == tools.end() ? nullptr : &*found;
}

}  // namespace drawbridge::tau2
