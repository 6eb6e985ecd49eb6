#include "eval/tau2/episode.h"

#include "eval/tau2/turns.h"

namespace drawbridge::tau2 {
namespace {

constexpr const char* kGreeting = "Hi! How can I help you today?";

enum class Receiver { kAgent, kUser, kEnvironment };

/// The state of a running conversation; each step delivers the last message.
class Play {
 public:
  Play(Environment& environment, const Participant& agent, const Participant& user)
      : environment_(environment), agent_(agent), user_(user) {}

  Episode run(const Task& task, const EpisodeLimits& limits) {
    begin(task);
    for (int64_t n_steps = 1; !done_; ++n_steps) {
      step();
      if (receiver_ == Receiver::kEnvironment || is_broken()) continue;
      // As in tau2-bench, a limit that is reached by the very message that ends the conversation wins.
      if (n_steps >= limits.max_steps) end(Termination::kMaxSteps);
      if (n_errors_ >= limits.max_errors) end(Termination::kTooManyErrors);
    }
    return std::move(episode_);
  }

 private:
  void begin(const Task& task) {
    episode_.conversation = task.history;
    if (task.history.empty()) {
      Message greeting;
      greeting.content = kGreeting;
      episode_.conversation.push_back(std::move(greeting));
    }
    const Message& last = episode_.conversation.back();
    if (last.speaker == Speaker::kTool) {
      receiver_ = last.requestor == Requestor::kAgent ? Receiver::kAgent : Receiver::kUser;
    } else {
      route(last);
    }
  }

  /// Where a message of a model goes; a user's word may end the conversation.
  void route(const Message& message) {
    const bool is_user = message.speaker == Speaker::kUser;
    if (!message.tool_calls.empty()) {
      receiver_ = Receiver::kEnvironment;
      return;
    }
    receiver_ = is_user ? Receiver::kAgent : Receiver::kUser;
    if (!is_user) return;
    for (const char* word : {"###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###"}) {
      if (message.content.find(word) != std::string::npos) end(Termination::kUserStop);
    }
  }

  void step() {
    switch (receiver_) {
      case Receiver::kAgent:
        return ask(Requestor::kAgent, agent_, Termination::kAgentError);
      case Receiver::kUser:
        return ask(Requestor::kUser, user_, Termination::kUserError);
      case Receiver::kEnvironment:
        return call_tools();
    }
  }

  void ask(Requestor side, const Participant& participant, Termination on_error) {
    ChatCall call;
    call.messages = view_of(side, participant.system_prompt, episode_.conversation);
    call.tools = participant.tools;
    call.max_tokens = participant.max_tokens;
    call.temperature = participant.temperature;
    call.top_p = participant.top_p;
    call.enable_thinking = participant.enable_thinking;
    call.seed = participant.seed;
    const Result<ChatReply> reply = participant.target->chat(call);
    if (!reply.ok()) {
      episode_.failure = reply.status();
      return end(on_error);
    }
    if (side == Requestor::kAgent) count(*reply);
    Message message = message_from_reply(side, *reply, episode_.conversation.size());
    if (!message.has_text() && message.tool_calls.empty()) {
      episode_.error = reply->truncated ? "empty message at the token limit" : "empty message";
      return end(on_error);
    }
    episode_.conversation.push_back(std::move(message));
    route(episode_.conversation.back());
  }

  void count(const ChatReply& reply) {
    episode_.n_prompt += reply.n_prompt;
    episode_.n_completion += reply.n_completion;
  }

  void call_tools() {
    const std::vector<ToolCall> calls = episode_.conversation.back().tool_calls;
    for (const ToolCall& call : calls) {
      const ToolReply reply = environment_.answer(call);
      n_errors_ += reply.is_error ? 1 : 0;
      Message answer;
      answer.speaker = Speaker::kTool;
      answer.content = reply.content;
      answer.call_id = call.id;
      answer.requestor = call.requestor;
      answer.is_error = reply.is_error;
      episode_.conversation.push_back(std::move(answer));
    }
    receiver_ = calls[0].requestor == Requestor::kAgent ? Receiver::kAgent : Receiver::kUser;
  }

  void end(Termination termination) {
    done_ = true;
    episode_.termination = termination;
  }

  bool is_broken() const { return !episode_.error.empty() || !episode_.failure.ok(); }

  Environment& environment_;
  const Participant& agent_;
  const Participant& user_;
  Episode episode_;
  Receiver receiver_ = Receiver::kUser;
  int64_t n_errors_ = 0;
  bool done_ = false;
};

}  // namespace

const char* termination_name(Termination termination) {
  switch (termination) {
    case Termination::kUserStop:
      return "user_stop";
    case Termination::kMaxSteps:
      return "max_steps";
    case Termination::kTooManyErrors:
      return "too_many_errors";
    case Termination::kAgentError:
      return "agent_error";
    case Termination::kUserError:
      return "user_error";
  }
  return "unknown";
}

Episode play(const Task& task, Environment& environment, const Participant& agent, const Participant& user,
             const EpisodeLimits& limits) {
  return Play(environment, agent, user).run(task, limits);
}

}  // namespace drawbridge::tau2
