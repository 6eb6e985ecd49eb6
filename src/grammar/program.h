// Program: a grammar as a pushdown automaton over bytes. States have edges that take a byte and moves that take none;
// a move may look at the top frame of a stack: where a rule returns to, how often something was repeated, which members
// of an object there were.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace drawbridge {

inline constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();

struct ByteEdge {
  uint8_t low = 0, high = 0;
  int32_t to = 0;
};

enum class MoveKind : uint8_t {
  kGo,
  kCall,    // rule `index`, coming back to `to`
  kReturn,  // end of a rule
  kRepeat,  // pushes a count of 0 for repeats[index]
  kAgain,   // once more, below the maximum
  kLeave,   // from the minimum on; pops
  kOpen,    // pushes no members for objects[index]
  kMember,  // declared member `index`, not seen before
  kExtra,   // a member that is not declared
  kClose,   // all required members seen, and enough of them; pops
};

struct Move {
  MoveKind kind = MoveKind::kGo;
  int32_t index = 0;
  int32_t to = 0;
};

struct ProgramState {
  std::vector<ByteEdge> edges;
  std::vector<Move> moves;
  bool takes_plain = false;  // comes back to itself after any plain character
};

struct RepeatBounds {
  int64_t min = 0, max = kUnbounded;
  bool takes_plain = false;  // what is repeated may be any plain character
};

inline constexpr size_t kMaxMembers = 256;
using MemberSet = std::array<uint64_t, kMaxMembers / 64>;

inline bool contains(const MemberSet& set, int32_t member) {
  return (set[static_cast<size_t>(member) / 64] >> (member % 64) & 1) != 0;
}
inline void insert(MemberSet& set, int32_t member) {
  set[static_cast<size_t>(member) / 64] |= uint64_t{1} << (member % 64);
}

struct ObjectBounds {
  MemberSet required = {};
  int64_t min = 0, max = kUnbounded;
};

struct Rule {
  std::string name;
  int32_t start = -1;  // -1: not defined
};

struct Program {
  std::vector<ProgramState> states;
  std::vector<Rule> rules;
  std::vector<RepeatBounds> repeats;
  std::vector<ObjectBounds> objects;
  int32_t root = 0;  // rule
};

}  // namespace drawbridge
