#include "load/history_workload.h"

#include <cmath>

namespace drawbridge {
namespace {

constexpr int64_t kMaxTurns = 64;
constexpr int64_t kLeastWords = 4;  // tokens of a question

/// With prompts of F + i S for turn i, hits of F + (i - 1) S + O, and T turns:
///   mean prompt = F + (T - 1) S / 2 = N,   sum of hits = (T - 1) (F + (T - 2) S / 2 + O) = h T N.
HistoryShape shape_of(const HistoryWorkloadOptions& o, int64_t n_turns) {
  const auto n = static_cast<double>(o.n_prompt);
  const auto t = static_cast<double>(n_turns);
  const double step = 2 * (n + static_cast<double>(o.n_output) - o.cache_hit * n * t / (t - 1));
  return {n_turns, std::llround(n - (t - 1) * step / 2), std::llround(step)};
}

bool is_possible(const HistoryShape& shape, const HistoryWorkloadOptions& o, const TokenCosts& costs) {
  return static_cast<double>(shape.n_first) >= costs.per_request + kLeastWords &&
         static_cast<double>(shape.n_step - o.n_output) >= costs.per_turn + kLeastWords;
}

class HistoryWorkload : public Workload {
 public:
  HistoryWorkload(const HistoryWorkloadOptions& options, const HistoryShape& shape, PromptText text)
      : o_(options), shape_(shape), text_(std::move(text)), lanes_(static_cast<size_t>(options.n_lanes)) {
    // Conversations are at all their turns from the start on, so that the load is the same at every moment.
    for (size_t i = 0; i < lanes_.size(); ++i) lanes_[i].turn = static_cast<int64_t>(i) % shape_.n_turns;
  }

  Result<std::optional<PlannedRequest>> next(int64_t lane) override;
  int64_t n_lanes() const override { return o_.n_lanes; }
  std::string description() const override {
    return fmt::format("conversations of {} turns, {} in (first {}, then {} more each) {} out, {:.0f}% history",
                       shape_.n_turns, o_.n_prompt, shape_.n_first, shape_.n_step, o_.n_output, 100 * o_.cache_hit);
  }
  std::string cache_design() const override {
    return "per-conversation history; a turn is due at its arrival or when the turn before has ended, if later";
  }

 private:
  struct Lane {
    int64_t conversation = -1;
    int64_t turn = 0;  // the next
  };

  void begin(Lane& lane, PlannedRequest& request);
  std::string words(double n_tokens) { return text_.draw(n_texts_++, std::llround(std::max(1.0, n_tokens))); }

  const HistoryWorkloadOptions o_;
  const HistoryShape shape_;
  const PromptText text_;
  std::vector<Lane> lanes_;
  int64_t n_conversations_ = 0;
  uint64_t n_texts_ = 0;
};

/// A conversation that is met in the middle brings turns that were never sent, with answers of ours.
void HistoryWorkload::begin(Lane& lane, PlannedRequest& request) {
  lane.conversation = n_conversations_++;
  const auto& costs = text_.costs();
  request.messages.push_back({"user", words(static_cast<double>(shape_.n_first) - costs.per_request)});
  for (int64_t turn = 0; turn < lane.turn; ++turn) {
    request.messages.push_back({"assistant", words(static_cast<double>(o_.n_output))});
    request.messages.push_back({"user", words(static_cast<double>(shape_.n_step - o_.n_output) - costs.per_turn)});
  }
}

Result<std::optional<PlannedRequest>> HistoryWorkload::next(int64_t lane_number) {
  Lane& lane = lanes_[static_cast<size_t>(lane_number)];
  PlannedRequest request;
  if (lane.conversation < 0) {
    begin(lane, request);
  } else {
    request.n_cached = shape_.prompt_of(lane.turn - 1) + o_.n_output;
    const auto n_question = static_cast<double>(shape_.n_step - o_.n_output) - text_.costs().per_turn;
    request.messages.push_back({"user", words(n_question)});
  }
  request.conversation = lane.conversation;
  request.turn = lane.turn;
  request.n_prompt = shape_.prompt_of(lane.turn);
  request.n_output = o_.n_output;
  request.ends_conversation = ++lane.turn == shape_.n_turns;
  if (request.ends_conversation) lane = {};
  return std::optional(std::move(request));
}

}  // namespace

Result<HistoryShape> history_shape(const HistoryWorkloadOptions& o, const TokenCosts& costs) {
  const int64_t least = o.n_turns > 0 ? o.n_turns : 2;
  const int64_t most = o.n_turns > 0 ? o.n_turns : kMaxTurns;
  for (int64_t n_turns = std::max<int64_t>(least, 2); n_turns <= most; ++n_turns) {
    const HistoryShape shape = shape_of(o, n_turns);
    if (is_possible(shape, o, costs)) return shape;
  }
  return fail(Code::kInvalidArgument,
              "--cache-hit {}: wanted a share that conversations of {} turns can have with prompts of {} and answers "
              "of {} tokens on average, found none; other shares or --cache-design shared are possible",
              o.cache_hit, o.n_turns > 0 ? std::to_string(o.n_turns) : fmt::format("2 to {}", kMaxTurns), o.n_prompt,
              o.n_output);
}

Result<std::unique_ptr<Workload>> make_history_workload(const HistoryWorkloadOptions& o, PromptText text) {
  DB_ASSIGN(const HistoryShape shape, history_shape(o, text.costs()));
  return std::unique_ptr<Workload>(new HistoryWorkload(o, shape, std::move(text)));
}

}  // namespace drawbridge
