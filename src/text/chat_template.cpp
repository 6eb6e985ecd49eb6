#include "text/chat_template.h"

#include <cstdint>

#include "text/python_json.h"
#include "text/utf8.h"

namespace drawbridge {
namespace {

constexpr std::string_view kToolsHead =
    "<|system|>\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n";
constexpr std::string_view kToolsTail =
    "</tools>\n\nFor each function call, output the function name and arguments within the following XML format:\n"
    "<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value>"
    "<arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>";
constexpr std::string_view kThinkOpen = "<think>";
constexpr std::string_view kThinkClose = "</think>";

const Json& field(const Json& object, const char* name) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

bool python_true(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return value.is_structured() && !value.empty();
}

/// What str.strip() removes.
bool python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

std::string_view strip(std::string_view text) {
  size_t begin = text.size();
  size_t end = text.size();
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = next_utf8(text, at);
    if (!step.valid || !python_space(decode_utf8(text.substr(at, step.bytes)))) {
      if (begin == text.size()) begin = at;
      end = at + step.bytes;
    }
    at += step.bytes;
  }
  return begin == text.size() ? std::string_view() : text.substr(begin, end - begin);
}

Status wrong(const std::string& where, std::string_view wanted, const Json& found) {
  std::string shown = found.is_structured() ? found.type_name() : dump_json(found).substr(0, 80);
  return fail(Code::kInvalidArgument, "{}: wanted {}, found {}", where, wanted, shown);
}

const Json& unwrapped(const Json& tool) {
  const auto found = tool.find("function");
  return found == tool.end() ? tool : *found;
}

std::string tool_json(const Json& tool) {
  std::string out = "{";
  bool first = true;
  for (const auto& [key, value] : tool.items()) {
    if (key == "defer_loading" || key == "strict") continue;
    out += first ? "\"" : ", \"";
    first = false;
    out += key + "\": " + python_json(value);
  }
  return out + "}";
}

class Renderer {
 public:
  Renderer(const Json& messages, const ChatOptions& options) : messages_(messages), options_(options) {}

  Result<std::string> run() {
    if (!messages_.is_array()) return wrong("messages", "an array", messages_);
    DB_TRY(check_tools());
    out_ = "[gMASK]<sop>";
    if (options_.enable_thinking) {
      out_ +=
          options_.reasoning_effort == "high" ? "<|system|>Reasoning Effort: High" : "<|system|>Reasoning Effort: Max";
    }
    tools_block();
    for (size_t i = 0; i < messages_.size(); ++i) {
      if (field(messages_[i], "role") == "user") last_user_ = static_cast<int64_t>(i);
    }
    for (size_t i = 0; i < messages_.size(); ++i) DB_TRY(message(i));
    if (options_.add_generation_prompt) {
      out_ += options_.enable_thinking ? "<|assistant|><think>" : "<|assistant|><think></think>";
    }
    return std::move(out_);
  }

 private:
  Status check_tools() const {
    if (options_.tools.is_null()) return {};
    if (!options_.tools.is_array()) return wrong("tools", "an array", options_.tools);
    for (size_t i = 0; i < options_.tools.size(); ++i) {
      const Json& tool = options_.tools[i];
      if (!tool.is_object()) return wrong(fmt::format("tools[{}]", i), "an object", tool);
      if (!unwrapped(tool).is_object())
        return wrong(fmt::format("tools[{}].function", i), "an object", unwrapped(tool));
    }
    return {};
  }

  void tools_block() {
    if (options_.tools.empty()) return;
    out_ += kToolsHead;
    for (const Json& tool : options_.tools) {
      if (!python_true(field(unwrapped(tool), "defer_loading"))) out_ += tool_json(unwrapped(tool)) + "\n";
    }
    out_ += kToolsTail;
  }

  Status message(size_t index) {
    const Json& message = messages_[index];
    const std::string where = fmt::format("messages[{}]", index);
    if (!message.is_object()) return wrong(where, "an object", message);
    const Json& role = field(message, "role");
    if (role == "tool") return tool_message(message, index, where);
    if (role == "assistant") return assistant_message(message, index, where);
    if (role != "user" && role != "system") return wrong(where + ".role", "system, user, assistant or tool", role);
    DB_ASSIGN(const std::string text, visible_text(field(message, "content"), where + ".content"));
    out_ += role == "user" ? "<|user|>" : "<|system|>";
    out_ += text;
    return {};
  }

  Result<std::string> visible_text(const Json& content, const std::string& where) const {
    if (content.is_null()) return std::string();
    if (content.is_string()) return content.get<std::string>();
    if (!content.is_array()) return wrong(where, "a string or an array of parts", content);
    std::string out;
    for (size_t i = 0; i < content.size(); ++i) {
      DB_ASSIGN(const std::string part, part_text(content[i], fmt::format("{}[{}]", where, i)));
      out += part;
    }
    return out;
  }

  Result<std::string> part_text(const Json& part, const std::string& where) const {
    if (part.is_string()) return part.get<std::string>();
    const Json& type = field(part, "type");
    if (type == "text") {
      const Json& text = field(part, "text");
      if (!text.is_string()) return wrong(where + ".text", "a string", text);
      return text.get<std::string>();
    }
    const bool image = type == "image" || type == "image_url";
    if (image && options_.chat_template == ChatTemplate::kGlm52ImageTokens) {
      return std::string("<|begin_of_image|><|image|><|end_of_image|>");
    }
    const bool video = type == "video" || type == "video_url";
    const bool audio = type == "audio" || type == "audio_url" || type == "input_audio";
    if (!image && !video && !audio) {
      return wrong(where, "a string or a part of type text, image, video or audio", part.is_object() ? type : part);
    }
    return fmt::format(
        "<reminder>You are unable to process this {} because you don't have multi-modal input ability. Try different "
        "methods.</reminder>",
        image ? "image" : (video ? "video" : "audio"));
  }

  Status assistant_message(const Json& message, size_t index, const std::string& where) {
    DB_ASSIGN(std::string content, visible_text(field(message, "content"), where + ".content"));
    const Json& given = field(message, "reasoning_content");
    if (!given.is_null() && !given.is_string()) return wrong(where + ".reasoning_content", "a string", given);
    bool has_reasoning = given.is_string();
    std::string reasoning = has_reasoning ? given.get<std::string>() : std::string();
    if (const size_t close = content.find(kThinkClose); !has_reasoning && close != std::string::npos) {
      has_reasoning = true;
      reasoning = content.substr(0, close);
      const size_t open = reasoning.rfind(kThinkOpen);
      if (open != std::string::npos) reasoning = reasoning.substr(open + kThinkOpen.size());
      content = content.substr(content.rfind(kThinkClose) + kThinkClose.size());
    }
    const bool keep = !options_.clear_thinking || static_cast<int64_t>(index) > last_user_;
    out_ += "<|assistant|><think>";
    if (keep && has_reasoning) out_ += reasoning;
    out_ += kThinkClose;
    out_ += strip(content);
    const Json& calls = field(message, "tool_calls");
    if (calls.is_null()) return {};
    if (!calls.is_array()) return wrong(where + ".tool_calls", "an array", calls);
    for (size_t i = 0; i < calls.size(); ++i) DB_TRY(tool_call(calls[i], fmt::format("{}.tool_calls[{}]", where, i)));
    return {};
  }

  Status tool_call(const Json& wrapped, const std::string& where) {
    const Json& inner = field(wrapped, "function");
    const Json& call = python_true(inner) ? inner : wrapped;
    const Json& name = field(call, "name");
    if (!name.is_string()) return wrong(where + ".function.name", "a string", name);
    out_ += "<tool_call>" + name.get<std::string>();
    const Json& given = field(call, "arguments");
    Json parsed;
    if (given.is_string()) {
      const auto& text = given.get_ref<const std::string&>();
      // Clients send "" for a call without arguments.
      DB_ASSIGN(parsed,
                strip(text).empty() ? Result<Json>(Json::object()) : parse_json(text, where + ".function.arguments"));
    }
    const Json& arguments = given.is_string() ? parsed : given;
    if (!arguments.is_object()) return wrong(where + ".function.arguments", "a JSON object", arguments);
    for (const auto& [key, value] : arguments.items()) {
      out_ += "<arg_key>" + key + "</arg_key><arg_value>";
      out_ += value.is_string() ? value.get_ref<const std::string&>() : python_json(value);
      out_ += "</arg_value>";
    }
    out_ += "</tool_call>";
    return {};
  }

  Status tool_message(const Json& message, size_t index, const std::string& where) {
    if (index == 0 || field(messages_[index - 1], "role") != "tool") out_ += "<|observation|>";
    const Json& content = field(message, "content");
    const Json& first = content.is_array() && !content.empty() ? content[0] : content;
    if (content.is_array() && field(first, "type") == "tool_reference") return tool_references(content);
    if (content.is_array() && first.is_object() && first.contains("output")) {
      for (size_t i = 0; i < content.size(); ++i) {
        const Json& output = field(content[i], "output");
        if (!output.is_string()) return wrong(fmt::format("{}.content[{}].output", where, i), "a string", output);
        tool_response(output.get<std::string>());
      }
      return {};
    }
    DB_ASSIGN(const std::string text, visible_text(content, where + ".content"));
    tool_response(text);
    return {};
  }

  Status tool_references(const Json& content) {
    std::string lines;
    for (const Json& reference : content) {
      for (const Json& tool : options_.tools) {
        const Json& name = field(unwrapped(tool), "name");
        if (name == field(reference, "name") && !name.is_null()) lines += tool_json(unwrapped(tool)) + "\n";
      }
    }
    tool_response("<tools>\n" + lines + "</tools>");
    return {};
  }

  void tool_response(const std::string& text) { out_ += "<tool_response>" + text + "</tool_response>"; }

  const Json& messages_;
  const ChatOptions& options_;
  int64_t last_user_ = -1;
  std::string out_;
};

uint64_t fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace

Result<std::string> render_glm_chat(const Json& messages, const ChatOptions& options) {
  return Renderer(messages, options).run();
}

Result<ChatTemplate> check_chat_template(std::string_view text, const std::string& source) {
  // Jinja drops one newline at the end of a template.
  const size_t total = text.size();
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const uint64_t hash = fnv1a(text);
  if (text.size() == 5075 && hash == 0xf0901dfba77f907eu) return ChatTemplate::kGlm52;
  if (text.size() == 5203 && hash == 0xd23e573b3be1656cu) return ChatTemplate::kGlm52ImageTokens;
  return fail(
      Code::kUnsupported,
      "{}: wanted a chat template that this program reproduces (GLM-5.2's, 5,076 bytes), found another one of {} "
      "bytes; use /v1/completions with your own prompt text, or put GLM-5.2's template there",
      source, total);
}

}  // namespace drawbridge
