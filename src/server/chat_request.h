// The body of POST /v1/chat/completions.
#pragma once

#include "server/generation_fields.h"
#include "text/chat_template.h"

namespace drawbridge {

inline constexpr size_t kMaxMessages = 4096;
inline constexpr size_t kMaxTools = 128;

struct ChatRequest {
  GenerationFields generation;
  Json messages;        // as the template wants them
  ChatOptions options;  // its tools are also what the output is parsed with
};

Result<ChatRequest> parse_chat_request(const Json& body, const ModelCard& card);

/// The part of a chat that makes its prompt: messages, tools, reasoning. Also what /tokenize accepts.
Status read_conversation(Fields& fields, const ModelCard& card, Json& messages, ChatOptions& options);

}  // namespace drawbridge
