#include "grammar/automaton.h"

#include <algorithm>
#include <bit>
#include <set>
#include <tuple>

namespace drawbridge {

/// What is reached without a byte.
struct Automaton::Closure {
  std::set<Configuration> seen;
  std::vector<Configuration> todo;
  State state;

  void reach(int32_t at, int32_t stack) {
    if (seen.insert({at, stack}).second) todo.push_back({at, stack});
  }
};

bool Automaton::Frame::operator<(const Frame& other) const {
  return std::tie(kind, parent, index, count, seen) <
         std::tie(other.kind, other.parent, other.index, other.count, other.seen);
}

Automaton::Automaton(const Program& program, int64_t max_configurations)
    : program_(program), max_configurations_(max_configurations) {
  start_ = intern_state({{program.rules[static_cast<size_t>(program.root)].start, kBottom}});
}

int32_t Automaton::run(int32_t state, std::string_view text) {
  for (const char c : text) {
    if (state == kDead) break;
    state = step(state, static_cast<uint8_t>(c));
  }
  return state;
}

int32_t Automaton::make_step(int32_t state, uint8_t byte) {
  std::vector<Configuration> reached;
  for (const Configuration& at : states_[static_cast<size_t>(state)].configurations) {
    for (const ByteEdge& edge : program_.states[static_cast<size_t>(at.state)].edges) {
      if (edge.low <= byte && byte <= edge.high) reached.push_back({edge.to, at.stack});
    }
  }
  const int32_t to = reached.empty() ? kDead : intern_state(std::move(reached));
  if (!status_.ok()) return kDead;
  (*states_[static_cast<size_t>(state)].next)[byte] = to;
  return to;
}

int32_t Automaton::intern_state(std::vector<Configuration> from) {
  Closure closure;
  for (const Configuration& at : from) closure.reach(at.state, at.stack);
  while (!closure.todo.empty()) {
    const Configuration at = closure.todo.back();
    closure.todo.pop_back();
    const ProgramState& state = program_.states[static_cast<size_t>(at.state)];
    if (!state.edges.empty()) closure.state.configurations.push_back(at);
    if (state.takes_plain) closure.state.n_plain = kUnbounded;
    for (const Move& move : state.moves) follow(at, move, closure);
    if (static_cast<int64_t>(closure.seen.size()) <= max_configurations_) continue;
    status_ = fail(Code::kOutOfRange, "grammar: wanted at most {} ways to read the text so far, found more",
                   max_configurations_);
    return kDead;
  }
  State& made = closure.state;
  if (made.configurations.empty() && !made.is_final) return kDead;
  std::sort(made.configurations.begin(), made.configurations.end());
  const auto [found, is_new] =
      state_ids_.try_emplace({made.configurations, made.is_final}, static_cast<int32_t>(states_.size()));
  if (!is_new) return found->second;
  made.next = std::make_unique<std::array<int32_t, 256>>();
  made.next->fill(kUnknown);
  n_bytes_ += sizeof(State) + sizeof(*made.next) + 4 * made.configurations.size() * sizeof(Configuration);
  states_.push_back(std::move(made));
  return found->second;
}

int32_t Automaton::intern_frame(const Frame& frame) {
  const auto [found, is_new] = frame_ids_.try_emplace(frame, static_cast<int32_t>(frames_.size()));
  if (is_new) {
    frames_.push_back(frame);
    n_bytes_ += 3 * sizeof(Frame);
  }
  return found->second;
}

void Automaton::follow(const Configuration& at, const Move& move, Closure& closure) {
  switch (move.kind) {
    case MoveKind::kGo:
      return closure.reach(move.to, at.stack);
    case MoveKind::kCall: {
      const int32_t start = program_.rules[static_cast<size_t>(move.index)].start;
      // A call at the very end of a rule comes back to where this one does: lists by recursion do not grow the stack.
      const bool is_last = move.to < 0;
      return closure.reach(start, is_last ? at.stack : intern_frame({FrameKind::kReturn, at.stack, move.to, 0, {}}));
    }
    case MoveKind::kReturn: {
      if (at.stack == kBottom) {
        closure.state.is_final = true;
        return;
      }
      const Frame& top = frames_[static_cast<size_t>(at.stack)];
      return closure.reach(top.index, top.parent);
    }
    case MoveKind::kRepeat:
      return closure.reach(move.to, intern_frame({FrameKind::kCount, at.stack, move.index, 0, {}}));
    case MoveKind::kAgain:
    case MoveKind::kLeave:
      return follow_count(at, move, closure);
    case MoveKind::kOpen:
      return closure.reach(move.to, intern_frame({FrameKind::kMembers, at.stack, move.index, 0, {}}));
    case MoveKind::kMember:
    case MoveKind::kExtra:
    case MoveKind::kClose:
      return follow_members(at, move, closure);
  }
}

void Automaton::follow_count(const Configuration& at, const Move& move, Closure& closure) {
  Frame top = frames_[static_cast<size_t>(at.stack)];
  const RepeatBounds& bounds = program_.repeats[static_cast<size_t>(top.index)];
  if (move.kind == MoveKind::kLeave) {
    if (top.count >= bounds.min) closure.reach(move.to, top.parent);
    return;
  }
  if (top.count >= bounds.max) return;
  if (bounds.takes_plain) {
    const int64_t left = bounds.max == kUnbounded ? kUnbounded : bounds.max - top.count;
    closure.state.n_plain = std::max(closure.state.n_plain, left);
  }
  // Without a maximum nothing beyond the minimum needs to be told apart.
  top.count = bounds.max == kUnbounded ? std::min(top.count + 1, bounds.min) : top.count + 1;
  closure.reach(move.to, intern_frame(top));
}

void Automaton::follow_members(const Configuration& at, const Move& move, Closure& closure) {
  Frame top = frames_[static_cast<size_t>(at.stack)];
  const ObjectBounds& bounds = program_.objects[static_cast<size_t>(top.index)];
  int64_t n_missing = 0;
  for (size_t i = 0; i < top.seen.size(); ++i) n_missing += std::popcount(bounds.required[i] & ~top.seen[i]);
  if (move.kind == MoveKind::kClose) {
    if (n_missing == 0 && top.count >= bounds.min) closure.reach(move.to, top.parent);
    return;
  }
  const bool is_declared = move.kind == MoveKind::kMember;
  if (is_declared && contains(top.seen, move.index)) return;
  // The required ones must still find their place below the maximum.
  const int64_t n_reserved = n_missing - (is_declared && contains(bounds.required, move.index) ? 1 : 0);
  if (bounds.max != kUnbounded && top.count + 1 + n_reserved > bounds.max) return;
  if (is_declared) insert(top.seen, move.index);
  top.count = bounds.max == kUnbounded ? std::min(top.count + 1, bounds.min) : top.count + 1;
  closure.reach(move.to, intern_frame(top));
}

}  // namespace drawbridge
