// What both models are told. The agent's instruction and the descriptions of the tools are in this program's words,
// unless a file gives others, such as those of the official harness (tests/reference/tau2/export_prompts.py).
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "eval/tau2/data_set.h"

namespace drawbridge::tau2 {

struct Prompts {
  std::string agent_instruction;
  Json agent_tools;    // OpenAI form
  Json user_tools;     // likewise, or null for a domain without
  std::string sha256;  // of the file; empty: built in
};

Prompts built_in_prompts(const Domain& domain);

/// {"agent_instruction": "...", "agent_tools": [...], "user_tools": [...] or null}. Wants just the tools of the domain.
Result<Prompts> read_prompts(const std::string& path, const Domain& domain);

std::string agent_system_prompt(const Prompts& prompts, const DataSet& data);
std::string user_system_prompt(const DataSet& data, const Task& task);
/// The tools that the task's user is offered; null if there are none.
Json user_tools_of(const Prompts& prompts, const Task& task);

}  // namespace drawbridge::tau2
