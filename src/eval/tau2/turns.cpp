#include "eval/tau2/turns.h"

#include "eval/tau2/python_values.h"

namespace drawbridge::tau2 {
namespace {

Speaker speaker_of(Requestor side) {
  return side == Requestor::kAgent ? Speaker::kAgent : Speaker::kUser;
}

Json openai_calls(const std::vector<ToolCall>& calls) {
  Json list = Json::array();
  for (const ToolCall& call : calls) {
    const std::string arguments = call.malformed.empty() ? python_dumps(call.arguments) : "{}";
    list.push_back(
        {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", arguments}}}});
  }
  return list;
}

Json own_message(const Message& message) {
  Json json = {{"role", "assistant"}, {"content", message.content}};
  if (!message.tool_calls.empty()) json["tool_calls"] = openai_calls(message.tool_calls);
  return json;
}

/// A string member of an object, or empty.
std::string text_of(const Json& object, const char* key) {
  const Json found = object.is_object() ? object.value(key, Json()) : Json();
  return found.is_string() ? found.get<std::string>() : std::string();
}

void read_arguments(const Json& function, ToolCall& call) {
  const Json given = function.is_object() ? function.value("arguments", Json()) : Json();
  if (given.is_object()) {
    call.arguments = given;
    return;
  }
  if (!given.is_string()) {
    call.malformed = "arguments: wanted a JSON object";
    return;
  }
  Result<Json> parsed = parse_json(given.get_ref<const std::string&>(), "arguments");
  if (!parsed.ok()) {
    call.malformed = parsed.status().message();
  } else if (!parsed->is_object()) {
    call.malformed = "arguments: wanted a JSON object";
  } else {
    call.arguments = std::move(*parsed);
  }
}

}  // namespace

Json view_of(Requestor side, const std::string& system_prompt, const std::vector<Message>& conversation) {
  Json view = Json::array({{{"role", "system"}, {"content", system_prompt}}});
  for (const Message& message : conversation) {
    if (message.speaker == Speaker::kTool) {
      if (message.requestor != side) continue;
      view.push_back({{"role", "tool"}, {"tool_call_id", message.call_id}, {"content", message.content}});
    } else if (message.speaker == speaker_of(side)) {
      view.push_back(own_message(message));
    } else if (message.tool_calls.empty()) {
      view.push_back({{"role", "user"}, {"content", message.content}});
    }
  }
  return view;
}

Message message_from_reply(Requestor side, const ChatReply& reply, size_t n_messages) {
  Message message;
  message.speaker = speaker_of(side);
  message.content = reply.text;
  if (!reply.tool_calls.is_array()) return message;
  for (const Json& json : reply.tool_calls) {
    const Json function = json.is_object() ? json.value("function", Json()) : Json();
    ToolCall call;
    call.requestor = side;
    call.name = text_of(function, "name");
    call.id = text_of(json, "id");
    if (call.id.empty()) call.id = fmt::format("call_{}_{}", n_messages, message.tool_calls.size());
    read_arguments(function, call);
    message.tool_calls.push_back(std::move(call));
  }
  return message;
}

}  // namespace drawbridge::tau2
