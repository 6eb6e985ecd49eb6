// ProgramBuilder: puts a Program together from fragments, each with one way in and one way out (Thompson).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grammar/language.h"
#include "grammar/program.h"

namespace drawbridge {

class ProgramBuilder {
 public:
  struct Fragment {
    int32_t start = 0, end = 0;
  };

  /// How a language of characters stands in the text.
  enum class Spelling {
    kRaw,
    kJsonString,  // between quotes: '"', '\\' and control characters escaped, each in the one way that JSON writers use
  };

  struct Member {
    Fragment key, value;
    bool required = false;
  };
  struct Object {
    std::vector<Member> members;  // at most kMaxMembers
    std::vector<Member> extras;   // other keys, any number of times each; `required` is not looked at
    int64_t min = 0, max = kUnbounded;
    Fragment open, separator, close;
  };

  /// Beyond this many states everything becomes empty and finish() fails.
  explicit ProgramBuilder(int64_t max_states) : max_states_(max_states) {}

  Fragment empty();
  Fragment never();
  Fragment literal(std::string_view bytes);
  Fragment characters(const CharacterSet& set, Spelling spelling = Spelling::kRaw);
  Fragment language(const CharacterDfa& dfa, Spelling spelling);
  Fragment sequence(const std::vector<Fragment>& parts);
  Fragment choice(const std::vector<Fragment>& parts);
  /// `takes_plain`: `part` may be any plain character.
  Fragment repeat(Fragment part, int64_t min, int64_t max, bool takes_plain = false);
  Fragment object(const Object& object);
  Fragment call(int32_t rule);

  int32_t add_rule(std::string name);
  void define(int32_t rule, Fragment body);

  /// kUnsupported: left recursion; kInvalidArgument: no text at all.
  Result<Program> finish(int32_t root);

 private:
  int32_t add_state();
  ProgramState& at(int32_t state) { return program_.states[static_cast<size_t>(state)]; }
  void move(int32_t from, MoveKind kind, int32_t index, int32_t to) { at(from).moves.push_back({kind, index, to}); }
  void go(int32_t from, int32_t to) { move(from, MoveKind::kGo, 0, to); }
  void add_characters(int32_t from, const CharacterRange& range, Spelling spelling, int32_t to);
  void add_utf8(int32_t from, char32_t low, char32_t high, int32_t to);
  void add_bytes(int32_t from, std::string_view low, std::string_view high, int32_t to);

  const int64_t max_states_;
  Program program_;
};

/// The text of a JSON string between its quotes, as kJsonString spells it.
std::string json_spelling(std::string_view utf8);

}  // namespace drawbridge
