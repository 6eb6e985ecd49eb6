// Automaton: runs a Program over bytes. A state is the set of all (program state, stack) that the text so far may stand
// at; states, stacks and the steps between states are made when they are first needed and kept, so that most steps of
// most answers are one look into a table. Constant cost a byte, whatever the text; nothing recurses.
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "grammar/program.h"

namespace drawbridge {

class Automaton {
 public:
  static constexpr int32_t kDead = -1;

  /// More than `max_configurations` ways to read one text are an error.
  Automaton(const Program& program, int64_t max_configurations);

  int32_t start() const { return start_; }
  /// kDead when no text of the grammar goes on so, or when status() has failed.
  int32_t step(int32_t state, uint8_t byte) {
    const int32_t known = (*states_[static_cast<size_t>(state)].next)[byte];
    return known != kUnknown ? known : make_step(state, byte);
  }
  int32_t run(int32_t state, std::string_view text);
  bool is_final(int32_t state) const { return states_[static_cast<size_t>(state)].is_final; }
  /// Any text of up to this many plain characters may follow.
  int64_t n_plain(int32_t state) const { return states_[static_cast<size_t>(state)].n_plain; }
  const Status& status() const { return status_; }
  size_t n_bytes() const { return n_bytes_; }

 private:
  static constexpr int32_t kUnknown = -2;
  static constexpr int32_t kBottom = -1;

  enum class FrameKind : uint8_t { kReturn, kCount, kMembers };
  struct Frame {
    FrameKind kind = FrameKind::kReturn;
    int32_t parent = kBottom;
    int32_t index = 0;  // state, repeat or object
    int64_t count = 0;
    MemberSet seen = {};
    bool operator<(const Frame& other) const;
  };
  struct Configuration {
    int32_t state = 0;
    int32_t stack = kBottom;
    bool operator==(const Configuration&) const = default;
    bool operator<(const Configuration& other) const {
      return state != other.state ? state < other.state : stack < other.stack;
    }
  };
  struct State {
    std::vector<Configuration> configurations;  // those with edges
    std::unique_ptr<std::array<int32_t, 256>> next;
    int64_t n_plain = 0;
    bool is_final = false;
  };
  struct Closure;

  int32_t make_step(int32_t state, uint8_t byte);
  int32_t intern_state(std::vector<Configuration> from);
  int32_t intern_frame(const Frame& frame);
  void follow(const Configuration& at, const Move& move, Closure& closure);
  void follow_count(const Configuration& at, const Move& move, Closure& closure);
  void follow_members(const Configuration& at, const Move& move, Closure& closure);

  const Program& program_;
  const int64_t max_configurations_;
  std::vector<Frame> frames_;
  std::map<Frame, int32_t> frame_ids_;
  std::vector<State> states_;
  std::map<std::pair<std::vector<Configuration>, bool>, int32_t> state_ids_;
  int32_t start_ = kDead;
  Status status_;
  size_t n_bytes_ = 0;
};

}  // namespace drawbridge
