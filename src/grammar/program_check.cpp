#include "grammar/program_check.h"

#include <algorithm>
#include <set>

namespace drawbridge {
namespace {

size_t index(int32_t i) {
  return static_cast<size_t>(i);
}

/// Repeats `pass` over the states until it changes nothing; from the last, as most ways lead to later states.
template <typename Pass>
void until_stable(size_t n_states, Pass pass) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = n_states; i-- > 0;) changed = pass(i) || changed;
  }
}

class Check {
 public:
  explicit Check(Program& program) : program_(program) {}

  Status run() {
    for (const Rule& rule : program_.rules) {
      if (rule.start < 0) return fail(Code::kInvalidArgument, "rule {}: is used but not defined", rule.name);
    }
    cut_dead_ends();
    if (!lives_[index(program_.rules[index(program_.root)].start)]) {
      return fail(Code::kInvalidArgument, "grammar: no text fits it");
    }
    DB_TRY(refuse_left_recursion());
    mark_last_calls();
    return Status();
  }

 private:
  /// States from which the end of their rule can be reached, as far as counts let it.
  void cut_dead_ends() {
    lives_.assign(program_.states.size(), false);
    until_stable(program_.states.size(), [&](size_t i) {
      if (lives_[i]) return false;
      const ProgramState& state = program_.states[i];
      lives_[i] =
          std::any_of(state.edges.begin(), state.edges.end(), [&](const ByteEdge& e) { return lives_[index(e.to)]; }) ||
          std::any_of(state.moves.begin(), state.moves.end(), [&](const Move& m) { return leads_on(m); });
      return static_cast<bool>(lives_[i]);
    });
    for (ProgramState& state : program_.states) {
      std::erase_if(state.edges, [&](const ByteEdge& e) { return !lives_[index(e.to)]; });
      std::erase_if(state.moves, [&](const Move& m) { return !leads_on(m); });
    }
  }

  bool leads_on(const Move& move) const {
    if (move.kind == MoveKind::kReturn) return true;
    const bool returns = move.kind != MoveKind::kCall || lives_[index(program_.rules[index(move.index)].start)];
    return returns && lives_[index(move.to)];
  }

  /// Whether the state's rule may end from it without a byte.
  void find_empty() {
    ends_.assign(program_.states.size(), false);
    until_stable(program_.states.size(), [&](size_t i) {
      if (ends_[i]) return false;
      const auto& moves = program_.states[i].moves;
      ends_[i] = std::any_of(moves.begin(), moves.end(), [&](const Move& m) {
        if (m.kind == MoveKind::kReturn) return true;
        return ends_[index(m.to)] && (m.kind != MoveKind::kCall || may_be_empty(m.index));
      });
      return static_cast<bool>(ends_[i]);
    });
  }

  bool may_be_empty(int32_t rule) const { return ends_[index(program_.rules[index(rule)].start)]; }

  /// Rules that are called from a rule's start before any byte.
  std::set<int32_t> first_calls(int32_t rule) const {
    std::set<int32_t> calls, seen = {program_.rules[index(rule)].start};
    std::vector<int32_t> todo(seen.begin(), seen.end());
    while (!todo.empty()) {
      const ProgramState& state = program_.states[index(todo.back())];
      todo.pop_back();
      for (const Move& move : state.moves) {
        if (move.kind == MoveKind::kReturn) continue;
        if (move.kind == MoveKind::kCall) calls.insert(move.index);
        const bool passes = move.kind != MoveKind::kCall || may_be_empty(move.index);
        if (passes && seen.insert(move.to).second) todo.push_back(move.to);
      }
    }
    return calls;
  }

  /// Takes away, one after another, the rules that call no other first; what stays calls itself.
  Status refuse_left_recursion() {
    find_empty();
    const size_t n = program_.rules.size();
    std::vector<std::vector<int32_t>> callers(n);
    std::vector<size_t> n_calls(n);
    std::vector<int32_t> todo;
    for (size_t rule = 0; rule < n; ++rule) {
      const std::set<int32_t> calls = first_calls(static_cast<int32_t>(rule));
      for (const int32_t called : calls) callers[index(called)].push_back(static_cast<int32_t>(rule));
      n_calls[rule] = calls.size();
      if (calls.empty()) todo.push_back(static_cast<int32_t>(rule));
    }
    while (!todo.empty()) {
      const int32_t rule = todo.back();
      todo.pop_back();
      for (const int32_t caller : callers[index(rule)]) {
        if (--n_calls[index(caller)] == 0) todo.push_back(caller);
      }
    }
    for (size_t rule = 0; rule < n; ++rule) {
      if (n_calls[rule] == 0) continue;
      return fail(Code::kUnsupported, "rule {}: comes back to itself before any character (left recursion)",
                  program_.rules[rule].name);
    }
    return Status();
  }

  bool only_returns(int32_t state) const {
    for (size_t steps = 0; steps < program_.states.size(); ++steps) {
      const ProgramState& own = program_.states[index(state)];
      if (!own.edges.empty() || own.moves.size() != 1) return false;
      if (own.moves[0].kind == MoveKind::kReturn) return true;
      if (own.moves[0].kind != MoveKind::kGo) return false;
      state = own.moves[0].to;
    }
    return false;
  }

  void mark_last_calls() {
    std::vector<Move*> last;
    for (ProgramState& state : program_.states) {
      for (Move& move : state.moves) {
        if (move.kind == MoveKind::kCall && only_returns(move.to)) last.push_back(&move);
      }
    }
    for (Move* move : last) move->to = -1;
  }

  Program& program_;
  std::vector<bool> lives_, ends_;
};

}  // namespace

Status check_program(Program& program) {
  return Check(program).run();
}

}  // namespace drawbridge
