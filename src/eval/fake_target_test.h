// For tests: a target whose answers are made by a function of the call.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "eval/chat_target.h"

namespace drawbridge {

class FakeTarget : public ChatTarget {
 public:
  using Answer = std::function<Result<ChatReply>(const ChatCall&)>;

  explicit FakeTarget(Answer answer, std::string name = "fake") : answer_(std::move(answer)), name_(std::move(name)) {}

  Result<ChatReply> chat(const ChatCall& call) override {
    {
      const std::lock_guard lock(mutex_);
      calls.push_back(call);
    }
    return answer_(call);
  }
  Json manifest() const override { return {{"kind", "fake"}, {"model", name_}}; }

  std::vector<ChatCall> calls;  // in the order in which they came

 private:
  Answer answer_;
  std::string name_;
  std::mutex mutex_;
};

inline ChatReply reply_of(std::string text) {
  ChatReply reply;
  reply.text = std::move(text);
  reply.n_prompt = 10;
  reply.n_completion = 3;
  return reply;
}

}  // namespace drawbridge
