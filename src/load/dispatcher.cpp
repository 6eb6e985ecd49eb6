#include "load/dispatcher.h"

#include <utility>

namespace drawbridge {

DueRequest make_due_request(const RequestForm& form, PlannedRequest plan) {
  DueRequest request;
  request.record.conversation = plan.conversation;
  request.record.turn = plan.turn;
  request.record.n_prompt_designed = plan.n_prompt;
  request.record.n_cached_designed = plan.n_cached;
  request.record.n_output_designed = plan.n_output;
  if (plan.conversation < 0) request.body = streamed_request_body(form, plan.messages, plan.n_output);
  request.plan = std::move(plan);
  return request;
}

void Dispatcher::dispatch(DueRequest request, OnEnd on_end) {
  Waiting next{std::move(request), std::move(on_end)};
  if (next.request.plan.conversation >= 0) {
    Conversation& conversation = conversations_[next.request.plan.conversation];
    if (conversation.is_busy) {
      conversation.waiting.push_back(std::move(next));
      ++n_postponed_;
      ++n_waiting_;
      return;
    }
    conversation.is_busy = true;
  }
  if (max_concurrency_ > 0 && n_in_flight_ >= max_concurrency_) {
    waiting_.push_back(std::move(next));
    ++n_waiting_;
    return;
  }
  send(std::move(next));
}

std::string Dispatcher::body_of(const DueRequest& request) {
  Conversation& conversation = conversations_[request.plan.conversation];
  std::vector<LoadMessage> messages = conversation.messages;
  messages.insert(messages.end(), request.plan.messages.begin(), request.plan.messages.end());
  return streamed_request_body(form_, messages, request.plan.n_output);
}

void Dispatcher::send(Waiting next) {
  ++n_in_flight_;
  std::string body = next.request.plan.conversation >= 0 ? body_of(next.request) : std::exchange(next.request.body, {});
  RequestRecord record = next.request.record;
  auto done = [this, plan = std::move(next.request.plan), on_end = std::move(next.on_end)](const StreamAnswer& answer) {
    --n_in_flight_;
    ended(plan, answer);
    on_end(answer);
  };
  client_.send(std::move(body), std::move(record), std::move(done));
}

void Dispatcher::ended(const PlannedRequest& plan, const StreamAnswer& answer) {
  if (plan.conversation >= 0) take_turn(plan, answer);
  send_waiting();
}

/// A failed turn leaves no trace in its conversation: there is no answer that could follow its question.
void Dispatcher::take_turn(const PlannedRequest& plan, const StreamAnswer& answer) {
  Conversation& conversation = conversations_[plan.conversation];
  conversation.is_busy = false;
  if (answer.record.succeeded()) {
    conversation.messages.insert(conversation.messages.end(), plan.messages.begin(), plan.messages.end());
    conversation.messages.push_back({"assistant", answer.text});
  }
  if (!conversation.waiting.empty()) {
    Waiting next = std::move(conversation.waiting.front());
    conversation.waiting.pop_front();
    next.request.record.due_s = clock_.now_s();
    conversation.is_busy = true;
    waiting_.push_front(std::move(next));
  } else if (plan.ends_conversation) {
    conversations_.erase(plan.conversation);
  }
}

void Dispatcher::send_waiting() {
  while (!waiting_.empty() && (max_concurrency_ == 0 || n_in_flight_ < max_concurrency_)) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    --n_waiting_;
    send(std::move(next));
  }
}

void Dispatcher::stop() {
  waiting_.clear();
  for (auto& [id, conversation] : conversations_) conversation.waiting.clear();
  n_waiting_ = 0;
  client_.stop();
}

}  // namespace drawbridge
