#include "server/chat_request.h"

#include "server/unsupported_fields.h"

namespace drawbridge {
namespace {

Status check_array(const std::string& field, const Json& value, size_t low, size_t high) {
  if (!value.is_array()) return wrong_field(field, "an array", value);
  if (value.size() >= low && value.size() <= high) return {};
  return fail(Code::kInvalidArgument, "{}: wanted {} to {} entries, found {}", field, low, high, value.size());
}

/// Names that other servers use for what the template knows: the developer role and "reasoning".
void rename_aliases(Json& message) {
  if (!message.is_object()) return;
  if (const auto role = message.find("role"); role != message.end() && *role == "developer") *role = "system";
  const auto reasoning = message.find("reasoning");
  if (reasoning != message.end() && !message.contains("reasoning_content")) {
    const Json text = *reasoning;
    message["reasoning_content"] = text;
  }
}

/// Content may be absent only where an assistant's reasoning or tool calls stand instead.
Status check_content(const Json& message, size_t i) {
  if (!message.is_object() || message.value("role", Json()) == "assistant") return {};
  const Json content = message.value("content", Json());
  return content.is_null() ? wrong_field(fmt::format("messages[{}].content", i), "a string or parts", content)
                           : Status();
}

Status read_messages(Fields& fields, Json& messages) {
  messages = fields.take("messages");
  DB_TRY(check_array("messages", messages, 1, kMaxMessages));
  for (size_t i = 0; i < messages.size(); ++i) {
    rename_aliases(messages[i]);
    DB_TRY(check_content(messages[i], i));
  }
  return {};
}

/// The template has two efforts, and prints "Max" for any word but "high": a client that asks for less must hear it.
Status read_effort(Fields& fields, ChatOptions& options) {
  std::string effort;
  DB_TRY(fields.read("reasoning_effort", effort));
  if (effort.empty()) return {};
  if (effort == "none") {
    options.enable_thinking = false;
  } else if (effort == "high" || effort == "max" || effort == "xhigh") {
    options.reasoning_effort = effort == "high" ? "high" : "max";
  } else {
    return wrong_field(fields.path("reasoning_effort"), "none, high, xhigh or max (the model knows no lower effort)",
                       effort);
  }
  return {};
}

/// Z.ai's own switch: {"type": "enabled" or "disabled", "clear_thinking": bool}.
Status read_thinking(Fields& fields, ChatOptions& options) {
  const Json& thinking = fields.take("thinking");
  if (thinking.is_null()) return {};
  if (!thinking.is_object()) return wrong_field("thinking", "an object", thinking);
  Fields inner(thinking, "thinking.");
  const Json& type = inner.take("type");
  if (!type.is_null() && type != "enabled" && type != "disabled") {
    return wrong_field("thinking.type", "enabled or disabled", type);
  }
  if (!type.is_null()) options.enable_thinking = type == "enabled";
  return inner.read("clear_thinking", options.clear_thinking);
}

Status read_template_arguments(Fields& fields, ChatOptions& options) {
  const Json& arguments = fields.take("chat_template_kwargs");
  if (arguments.is_null()) return {};
  if (!arguments.is_object()) return wrong_field("chat_template_kwargs", "an object", arguments);
  Fields inner(arguments, "chat_template_kwargs.");
  DB_TRY(read_effort(inner, options));
  DB_TRY(inner.read("enable_thinking", options.enable_thinking));
  DB_TRY(inner.read("clear_thinking", options.clear_thinking));
  if (const auto unknown = inner.unread(); !unknown.empty()) {
    return fail(Code::kInvalidArgument, "{}: wanted enable_thinking, clear_thinking or reasoning_effort, found it",
                unknown.front());
  }
  return {};
}

/// Three ways to say it; the template's own arguments have the last word.
Status read_reasoning(Fields& fields, ChatOptions& options) {
  DB_TRY(read_effort(fields, options));
  DB_TRY(read_thinking(fields, options));
  return read_template_arguments(fields, options);
}

Status read_tools(Fields& fields, Json& tools) {
  const Json& given = fields.take("tools");
  if (!given.is_null()) DB_TRY(check_array("tools", given, 0, kMaxTools));
  const Json& choice = fields.take("tool_choice");
  if (choice == "none") return {};  // the model is not told of tools, so it calls none
  if (!choice.is_null() && choice != "auto") {
    const Status wrong = wrong_field("tool_choice", "auto or none", choice);
    return fail(Code::kUnsupported, "{}: this server cannot force a call", wrong.message());
  }
  tools = given;
  return {};
}

Status read_chat_logprobs(Fields& fields, SamplingOptions& sampling) {
  bool wanted = false;
  int64_t n_alternatives = 0;
  DB_TRY(fields.read("logprobs", wanted));
  DB_TRY(fields.read("top_logprobs", n_alternatives, 0, kMaxAlternatives));
  if (!wanted && n_alternatives > 0) {
    return fail(Code::kInvalidArgument, "top_logprobs: wanted logprobs to be true beside it, found false");
  }
  if (wanted) sampling.n_logprobs = static_cast<int32_t>(n_alternatives);
  return {};
}

}  // namespace

Status read_conversation(Fields& fields, const ModelCard& card, Json& messages, ChatOptions& options) {
  options.chat_template = card.chat_template;
  DB_TRY(read_messages(fields, messages));
  DB_TRY(read_tools(fields, options.tools));
  return read_reasoning(fields, options);
}

Result<ChatRequest> parse_chat_request(const Json& body, const ModelCard& card) {
  if (!body.is_object()) return wrong_field("body", "a JSON object", body);
  Fields fields(body);
  ChatRequest request;
  DB_ASSIGN(request.generation, read_generation_fields(fields, card));
  DB_TRY(read_conversation(fields, card, request.messages, request.options));
  DB_TRY(read_chat_logprobs(fields, request.generation.request.sampling));
  DB_TRY(refuse_unsupported_fields(fields));
  note_unread(fields, request.generation);
  return request;
}

}  // namespace drawbridge
