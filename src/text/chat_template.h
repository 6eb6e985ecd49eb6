// GLM-5.2's chat template, written out in C++: OpenAI messages to the prompt text, byte for byte what the official
// chat_template.jinja gives. Input that the template would drop or print wrongly (an unknown role, null content,
// arguments that are no object) is refused or cleaned here, never rendered silently.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace drawbridge {

/// The template files this code reproduces.
enum class ChatTemplate {
  kGlm52,             // zai-org's file: images become a reminder, as video and audio do
  kGlm52ImageTokens,  // a public variant: images become <|begin_of_image|><|image|><|end_of_image|>
};

struct ChatOptions {
  Json tools = Json();  // array in OpenAI form, or null
  bool enable_thinking = true;
  std::string reasoning_effort = {};  // "high"; anything else means max
  bool clear_thinking = true;         // false keeps the reasoning of earlier turns
  bool add_generation_prompt = true;
  ChatTemplate chat_template = ChatTemplate::kGlm52;
};

/// Errors (kInvalidArgument) name the message and field.
Result<std::string> render_glm_chat(const Json& messages, const ChatOptions& options);

/// Which known template the content of a chat_template.jinja is; kUnsupported if none. `source` is its path.
Result<ChatTemplate> check_chat_template(std::string_view text, const std::string& source);

}  // namespace drawbridge
