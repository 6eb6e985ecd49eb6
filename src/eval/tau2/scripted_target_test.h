// A model that says what it was told to say.
#pragma once

#include <utility>
#include <vector>

#include "eval/chat_target.h"

namespace drawbridge::tau2 {

inline ChatReply says(std::string text) {
  ChatReply reply;
  reply.text = std::move(text);
  reply.n_prompt = 10;
  reply.n_completion = 2;
  return reply;
}

inline ChatReply calls(const std::string& name, const Json& arguments) {
  ChatReply reply = says("");
  const Json function = {{"name", name}, {"arguments", dump_json(arguments)}};
  reply.tool_calls = Json::array({{{"id", ""}, {"type", "function"}, {"function", function}}});
  return reply;
}

/// Gives its replies in turn, then errors; keeps the calls.
class ScriptedTarget : public ChatTarget {
 public:
  explicit ScriptedTarget(std::vector<ChatReply> replies) : replies_(std::move(replies)) {}

  Result<ChatReply> chat(const ChatCall& call) override {
    asked.push_back(call);
    if (asked.size() > replies_.size()) return fail(Code::kUnavailable, "the script has ended");
    return replies_[asked.size() - 1];
  }
  Json manifest() const override { return {{"model", "script"}}; }

  std::vector<ChatCall> asked;

 private:
  std::vector<ChatReply> replies_;
};

}  // namespace drawbridge::tau2
