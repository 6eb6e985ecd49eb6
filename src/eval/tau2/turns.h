// What each of the two models sees of a conversation, and what its answer becomes.
#pragma once

#include <vector>

#include "base/json.h"
#include "eval/chat_target.h"
#include "eval/tau2/message.h"

namespace drawbridge::tau2 {

/// The conversation in OpenAI's form as one side sees it, after its system prompt: itself as the assistant, the other
/// side's words as the user, the answers to its own tool calls; never the other side's calls.
Json view_of(Requestor side, const std::string& system_prompt, const std::vector<Message>& conversation);

/// The message that a reply is. Arguments that are no JSON object become the error of their call.
Message message_from_reply(Requestor side, const ChatReply& reply, size_t n_messages);

}  // namespace drawbridge::tau2
