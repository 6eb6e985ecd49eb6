#include "closed_loop.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <queue>

namespace drawbridge {

double StepTime::seconds(const Plan& plan) const {
  double n_tokens = 0, near = 0, far = 0;
  const auto sum_to = [](double n) { return n * (n + 1) / 2; };
  for (const Grant& g : plan.grants) {
    const auto from = static_cast<double>(g.from), to = static_cast<double>(g.from + g.n_tokens);
    const auto limit = static_cast<double>(near_keys);
    n_tokens += static_cast<double>(g.n_tokens);
    far += sum_to(to) - sum_to(from);
    near += sum_to(std::min(to, limit)) - sum_to(std::min(from, limit));
    near += limit * (std::max(to, limit) - std::max(from, limit));
  }
  const double experts = 1 - std::pow(1 - touched, n_tokens);
  return step_s + experts_s * experts + token_s * n_tokens + near_key_s * near + far_key_s * far;
}

namespace {

/// The users and their requests in flight.
class Loop {
 public:
  Loop(const std::vector<Conversation>& conversations, const LoopOptions& options)
      : conversations_(conversations), options_(options), scheduler_(options.scheduling) {
    for (int64_t user = 0; user < options.n_users; ++user) begin_conversation();
  }

  LoopResult run() {
    while (!arrivals_.empty() || !open_.empty()) {
      if (open_.empty()) now_ = std::max(now_, arrivals_.top().at_s);
      while (!arrivals_.empty() && arrivals_.top().at_s <= now_) {
        const Arrival arrival = arrivals_.top();
        arrivals_.pop();
        arrive(arrival);
      }
      step();
    }
    result_.seconds = now_;
    result_.mean_working_set_ratio /= static_cast<double>(result_.n_steps);
    return result_;
  }

 private:
  struct Arrival {
    double at_s = 0;
    size_t conversation = 0, turn = 0;
    bool operator>(const Arrival& o) const {
      return std::tie(at_s, conversation, turn) > std::tie(o.at_s, o.conversation, o.turn);
    }
  };
  struct Open {
    Arrival arrival;
    int64_t n_left = 0;
    bool has_spoken = false;
  };

  void begin_conversation() {
    if (next_conversation_ < conversations_.size()) arrivals_.push({now_, next_conversation_++, 0});
  }

  void arrive(const Arrival& arrival) {
    const Turn& turn = conversations_[arrival.conversation][arrival.turn];
    std::vector<int32_t> prompt(static_cast<size_t>(turn.n_prompt));
    const auto page = static_cast<size_t>(options_.scheduling.page_size);
    for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<int32_t>(turn.blocks[i / page]);
    const RequestId id = next_id_++;
    const Status added = scheduler_.add(id, {.prompt = prompt, .n_max = turn.n_prompt + turn.n_output});
    DB_CHECK(added.ok());
    open_[id] = {arrival, turn.n_output, false};
    ++result_.n_requests;
    result_.n_prompt += turn.n_prompt;
    result_.n_output += turn.n_output;
  }

  void step() {
    const Plan plan = scheduler_.next();
    DB_CHECK(!plan.grants.empty());
    now_ += options_.step_time.seconds(plan);
    std::vector<RequestId> ended;
    std::vector<int32_t> sampled;
    for (const Start& start : plan.started) {
      if (!open_.at(start.id).has_spoken) result_.n_cached += start.n_cached;
    }
    for (const Grant& grant : plan.grants) {
      if (!grant.samples) continue;
      sampled.push_back(-1 - static_cast<int32_t>(grant.id % 1000000));  // no prompt has these
      Open& open = open_.at(grant.id);
      if (!open.has_spoken) result_.ttft_s.push_back(now_ - open.arrival.at_s);
      open.has_spoken = true;
      if (--open.n_left == 0) ended.push_back(grant.id);
    }
    scheduler_.commit(plan, sampled);
    for (const RequestId id : ended) end(id);
    result_.n_preempted += static_cast<int64_t>(plan.preempted.size());
    result_.mean_working_set_ratio += scheduler_.working_set_ratio();
    constexpr int64_t kStepsBetweenChecks = 1000;
    if (++result_.n_steps % kStepsBetweenChecks == 0) DB_CHECK(scheduler_.check_integrity().ok());
  }

  void end(RequestId id) {
    const Arrival done = open_.at(id).arrival;
    scheduler_.remove(id);
    open_.erase(id);
    const Conversation& conversation = conversations_[done.conversation];
    if (done.turn + 1 == conversation.size()) return begin_conversation();
    arrivals_.push({now_ + conversation[done.turn + 1].pause_s, done.conversation, done.turn + 1});
  }

  const std::vector<Conversation>& conversations_;
  const LoopOptions options_;
  Scheduler scheduler_;
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> arrivals_;
  std::map<RequestId, Open> open_;
  size_t next_conversation_ = 0;
  RequestId next_id_ = 1;
  double now_ = 0;
  LoopResult result_;
};

}  // namespace

LoopResult run_closed_loop(const std::vector<Conversation>& conversations, const LoopOptions& options) {
  return Loop(conversations, options).run();
}

}  // namespace drawbridge
