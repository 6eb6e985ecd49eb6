// A tool of a domain: how an agent is told of it, how its arguments are bound, and what it does to the database.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge::tau2 {

struct Parameter {
  std::string name;
  std::string description;
  Json schema = {{"type", "string"}};
  bool optional = false;  // then null unless given
};

/// A tool's answer, or the message of its error. Arguments are bound: every parameter is there, nothing else is; their
/// types are the model's choice.
using ToolBody = Result<Json> (*)(Json& database, const Json& arguments);

struct Tool {
  std::string name;
  std::string description;
  std::vector<Parameter> parameters;
  ToolBody body;
};

/// In OpenAI's form.
Json tool_schema(const Tool& tool);

/// One member for each parameter. Errors use Python's words; `owner` is the class that tau2-bench has the tool in.
Result<Json> bind_arguments(const Tool& tool, const Json& arguments, const std::string& owner);

/// The tool of that name, or null.
const Tool* find_tool(const std::vector<Tool>& tools, const std::string& name);

}  // namespace drawbridge::tau2
