// A conversation as tau2-bench records it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "eval/tau2/environment.h"

namespace drawbridge::tau2 {

enum class Speaker { kAgent, kUser, kTool };

struct Message {
  Speaker speaker = Speaker::kAgent;
  std::string content;
  std::vector<ToolCall> tool_calls;         // of an agent or a user
  std::string call_id;                      // of a tool: the call that it answers
  Requestor requestor = Requestor::kAgent;  // of a tool: whose call that was
  bool is_error = false;                    // of a tool

  bool has_text() const { return content.find_first_not_of(" \t\r\n\f\v") != std::string::npos; }
};

Json message_to_json(const Message& message);
/// `source` starts every message. Answers of tools must follow the calls that they answer: see check_conversation.
Result<Message> message_from_json(const Json& json, const std::string& source);

/// An array of messages in which exactly one answer follows each call, in the order of the calls.
Result<std::vector<Message>> conversation_from_json(const Json& json, const std::string& source);

}  // namespace drawbridge::tau2
