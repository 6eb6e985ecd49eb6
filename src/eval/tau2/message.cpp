#include "eval/tau2/message.h"

#include <deque>

#include "base/json_members.h"

namespace drawbridge::tau2 {
namespace {

Result<std::string> optional_text(const Json& object, const char* key, const std::string& source) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::string();
  return string_member(object, key, source);
}

Result<Requestor> requestor_from(const Json& object, const std::string& source) {
  const auto found = object.find("requestor");
  if (found == object.end() || *found == "assistant") return Requestor::kAgent;
  if (*found == "user") return Requestor::kUser;
  return fail(Code::kCorrupt, "{}: requestor: wanted assistant or user, found {}", source,
              dump_json(*found).substr(0, 80));
}

Result<Speaker> speaker_from(const Json& object, const std::string& source) {
  DB_ASSIGN(const std::string role, string_member(object, "role", source));
  if (role == "assistant") return Speaker::kAgent;
  if (role == "user") return Speaker::kUser;
  if (role == "tool") return Speaker::kTool;
  return fail(Code::kCorrupt, "{}: role: wanted assistant, user or tool, found \"{}\"", source, role.substr(0, 80));
}

Result<ToolCall> call_from_json(const Json& json, const std::string& source) {
  DB_TRY(check_object(json, source));
  ToolCall call;
  DB_ASSIGN(call.id, optional_text(json, "id", source));
  DB_ASSIGN(call.name, string_member(json, "name", source));
  DB_ASSIGN(const Json* arguments, member(json, "arguments", source));
  DB_TRY(check_object(*arguments, source + ": arguments"));
  call.arguments = *arguments;
  DB_ASSIGN(call.requestor, requestor_from(json, source));
  DB_ASSIGN(call.malformed, optional_text(json, "malformed", source));
  return call;
}

Result<std::vector<ToolCall>> calls_from_json(const Json& json, const std::string& source) {
  std::vector<ToolCall> calls;
  const auto found = json.find("tool_calls");
  if (found == json.end() || found->is_null()) return calls;
  DB_ASSIGN(const Json* list, array_member(json, "tool_calls", source));
  for (size_t i = 0; i < list->size(); ++i) {
    DB_ASSIGN(ToolCall call, call_from_json((*list)[i], fmt::format("{}: tool_calls[{}]", source, i)));
    calls.push_back(std::move(call));
  }
  return calls;
}

Json call_to_json(const ToolCall& call) {
  Json json = {{"id", call.id},
               {"name", call.name},
               {"arguments", call.arguments},
               {"requestor", requestor_name(call.requestor)}};
  if (!call.malformed.empty()) json["malformed"] = call.malformed;
  return json;
}

}  // namespace

Json message_to_json(const Message& message) {
  if (message.speaker == Speaker::kTool) {
    return {{"role", "tool"},
            {"id", message.call_id},
            {"content", message.content},
            {"requestor", requestor_name(message.requestor)},
            {"error", message.is_error}};
  }
  Json calls;
  for (const ToolCall& call : message.tool_calls) calls.push_back(call_to_json(call));
  return {{"role", message.speaker == Speaker::kAgent ? "assistant" : "user"},
          {"content", message.content},
          {"tool_calls", std::move(calls)}};
}

Result<Message> message_from_json(const Json& json, const std::string& source) {
  DB_TRY(check_object(json, source));
  Message message;
  DB_ASSIGN(message.speaker, speaker_from(json, source));
  DB_ASSIGN(message.content, optional_text(json, "content", source));
  if (message.speaker == Speaker::kTool) {
    DB_ASSIGN(message.call_id, string_member(json, "id", source));
    DB_ASSIGN(message.requestor, requestor_from(json, source));
    message.is_error = json.value("error", Json(false)) == true;
    return message;
  }
  DB_ASSIGN(message.tool_calls, calls_from_json(json, source));
  return message;
}

Result<std::vector<Message>> conversation_from_json(const Json& json, const std::string& source) {
  if (!json.is_array()) return fail(Code::kCorrupt, "{}: wanted an array of messages", source);
  std::vector<Message> conversation;
  std::deque<std::string> unanswered;
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string where = fmt::format("{}[{}]", source, i);
    DB_ASSIGN(Message message, message_from_json(json[i], where));
    const bool is_answer = message.speaker == Speaker::kTool;
    if (is_answer != !unanswered.empty()) {
      return fail(Code::kCorrupt, "{}: wanted {}", where,
                  is_answer ? "a call before the answer of a tool" : "the answer of call " + unanswered.front());
    }
    if (is_answer) {
      if (message.call_id != unanswered.front()) {
        return fail(Code::kCorrupt, "{}: id: wanted {}, found {}", where, unanswered.front(), message.call_id);
      }
      unanswered.pop_front();
    }
    for (const ToolCall& call : message.tool_calls) unanswered.push_back(call.id);
    conversation.push_back(std::move(message));
  }
  if (!unanswered.empty()) return fail(Code::kCorrupt, "{}: the answer of call {} is missing", source, unanswered[0]);
  return conversation;
}

}  // namespace drawbridge::tau2
