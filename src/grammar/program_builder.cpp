#include "grammar/program_builder.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "grammar/program_check.h"
#include "grammar/vocabulary.h"
#include "text/utf8.h"

namespace drawbridge {
namespace {

constexpr char32_t kSurrogates = 0xd800, kAfterSurrogates = 0xe000;

std::string utf8(char32_t c) {
  std::string out;
  append_utf8(c, out);
  return out;
}

/// Whether the edges that come back to `self` take every plain character.
bool loops_on_plain(const CharacterDfa::State& state, int32_t self) {
  CharacterSet own;
  for (const auto& edge : state.edges) {
    if (edge.to == self) own.push_back({edge.low, edge.high});
  }
  for (const CharacterRange& gap : complement(own)) {
    for (char32_t c = gap.low; c <= gap.high; ++c) {
      if (c == kSurrogates) c = kAfterSurrogates;
      if (c <= gap.high && is_plain_character(c)) return false;
    }
  }
  return true;
}

}  // namespace

std::string json_spelling(std::string_view utf8_text) {
  const std::string quoted = dump_json(Json(replace_invalid_utf8(utf8_text)));
  return quoted.substr(1, quoted.size() - 2);
}

int32_t ProgramBuilder::add_state() {
  if (static_cast<int64_t>(program_.states.size()) <= max_states_) program_.states.emplace_back();
  return static_cast<int32_t>(program_.states.size()) - 1;
}

ProgramBuilder::Fragment ProgramBuilder::empty() {
  const int32_t state = add_state();
  return {state, state};
}

ProgramBuilder::Fragment ProgramBuilder::never() {
  const int32_t start = add_state();
  return {start, add_state()};
}

ProgramBuilder::Fragment ProgramBuilder::literal(std::string_view bytes) {
  Fragment out = empty();
  for (const char c : bytes) {
    const int32_t next = add_state();
    at(out.end).edges.push_back({static_cast<uint8_t>(c), static_cast<uint8_t>(c), next});
    out.end = next;
  }
  return out;
}

/// All byte strings from `low` to `high`, both of one length, in which bytes after the first differing one are free.
void ProgramBuilder::add_bytes(int32_t from, std::string_view low, std::string_view high, int32_t to) {
  for (size_t i = 0; i < low.size(); ++i) {
    const int32_t next = i + 1 == low.size() ? to : add_state();
    at(from).edges.push_back({static_cast<uint8_t>(low[i]), static_cast<uint8_t>(high[i]), next});
    from = next;
  }
}

/// UTF-8 of a range, in parts that differ in their last bytes only.
void ProgramBuilder::add_utf8(int32_t from, char32_t low, char32_t high, int32_t to) {
  constexpr std::array<char32_t, 4> kLengthBounds = {0x7f, 0x7ff, kSurrogates - 1, 0xffff};
  for (; low <= high; ++low) {
    if (low >= kSurrogates && low < kAfterSurrogates) low = kAfterSurrogates;
    if (low > high) return;
    char32_t last = high;
    for (const char32_t bound : kLengthBounds) {
      if (low <= bound) last = std::min(last, bound);
    }
    for (const char32_t free : {0x3fu, 0xfffu, 0x3ffffu}) {
      if (low <= 0x7f || (low & ~free) == (last & ~free)) continue;
      if ((low & free) != 0) {
        last = low | free;
      } else if ((last & free) != free) {
        last = (last & ~free) - 1;
      }
    }
    add_bytes(from, utf8(low), utf8(last), to);
    low = last;
  }
}

void ProgramBuilder::add_characters(int32_t from, const CharacterRange& range, Spelling spelling, int32_t to) {
  if (spelling == Spelling::kRaw) return add_utf8(from, range.low, range.high, to);
  char32_t low = range.low;
  const auto is_escaped = [](char32_t c) { return c < 0x20 || c == '"' || c == '\\'; };
  for (char32_t c = range.low; c <= std::min(range.high, char32_t{'\\'}); ++c) {
    if (!is_escaped(c)) continue;
    if (c > low) add_utf8(from, low, c - 1, to);
    const std::string escape = json_spelling(utf8(c));
    add_bytes(from, escape, escape, to);
    low = c + 1;
  }
  if (low <= range.high) add_utf8(from, low, range.high, to);
}

ProgramBuilder::Fragment ProgramBuilder::characters(const CharacterSet& set, Spelling spelling) {
  const Fragment out = never();
  for (const CharacterRange& range : set) add_characters(out.start, range, spelling, out.end);
  return out;
}

ProgramBuilder::Fragment ProgramBuilder::language(const CharacterDfa& dfa, Spelling spelling) {
  const Fragment out = never();
  std::vector<int32_t> places;
  for (size_t i = 0; i < dfa.states.size(); ++i) places.push_back(add_state());
  for (size_t i = 0; i < dfa.states.size(); ++i) {
    const CharacterDfa::State& state = dfa.states[i];
    for (const auto& edge : state.edges) {
      add_characters(places[i], {edge.low, edge.high}, spelling, places[static_cast<size_t>(edge.to)]);
    }
    at(places[i]).takes_plain = loops_on_plain(state, static_cast<int32_t>(i));
    if (state.is_final) go(places[i], out.end);
  }
  if (!places.empty()) go(out.start, places[0]);
  return out;
}

ProgramBuilder::Fragment ProgramBuilder::sequence(const std::vector<Fragment>& parts) {
  Fragment out = empty();
  for (const Fragment& part : parts) {
    go(out.end, part.start);
    out.end = part.end;
  }
  return out;
}

ProgramBuilder::Fragment ProgramBuilder::choice(const std::vector<Fragment>& parts) {
  const Fragment out = never();
  for (const Fragment& part : parts) {
    go(out.start, part.start);
    go(part.end, out.end);
  }
  return out;
}

ProgramBuilder::Fragment ProgramBuilder::repeat(Fragment part, int64_t min, int64_t max, bool takes_plain) {
  const Fragment out = never();
  const int32_t hub = add_state();
  const auto index = static_cast<int32_t>(program_.repeats.size());
  program_.repeats.push_back({min, max, takes_plain});
  move(out.start, MoveKind::kRepeat, index, hub);
  move(hub, MoveKind::kAgain, index, part.start);
  go(part.end, hub);
  move(hub, MoveKind::kLeave, index, out.end);
  return out;
}

ProgramBuilder::Fragment ProgramBuilder::object(const Object& object) {
  DB_CHECK(object.members.size() <= kMaxMembers);
  const int32_t first = add_state(), next = add_state(), after = add_state(), closing = add_state();
  const Fragment out = never();
  const auto index = static_cast<int32_t>(program_.objects.size());
  ObjectBounds bounds{{}, object.min, object.max};
  const auto add = [&](const Member& member, MoveKind kind, int32_t bit) {
    move(next, kind, bit, member.key.start);
    go(member.key.end, member.value.start);
    go(member.value.end, after);
  };
  for (size_t i = 0; i < object.members.size(); ++i) {
    const auto bit = static_cast<int32_t>(i);
    if (object.members[i].required) insert(bounds.required, bit);
    add(object.members[i], MoveKind::kMember, bit);
  }
  for (const Member& extra : object.extras) add(extra, MoveKind::kExtra, 0);
  program_.objects.push_back(bounds);
  go(out.start, object.open.start);
  move(object.open.end, MoveKind::kOpen, index, first);
  go(first, next);
  go(first, closing);
  go(after, object.separator.start);
  go(object.separator.end, next);
  go(after, closing);
  move(closing, MoveKind::kClose, index, object.close.start);
  go(object.close.end, out.end);
  return out;
}

ProgramBuilder::Fragment ProgramBuilder::call(int32_t rule) {
  const Fragment out = never();
  move(out.start, MoveKind::kCall, rule, out.end);
  return out;
}

int32_t ProgramBuilder::add_rule(std::string name) {
  program_.rules.push_back({std::move(name), -1});
  return static_cast<int32_t>(program_.rules.size()) - 1;
}

void ProgramBuilder::define(int32_t rule, Fragment body) {
  const int32_t end = add_state();
  go(body.end, end);
  move(end, MoveKind::kReturn, 0, 0);
  program_.rules[static_cast<size_t>(rule)].start = body.start;
}

Result<Program> ProgramBuilder::finish(int32_t root) {
  program_.root = root;
  if (static_cast<int64_t>(program_.states.size()) > max_states_) {
    return fail(Code::kOutOfRange, "grammar: wanted at most {} states, found more", max_states_);
  }
  DB_TRY(check_program(program_));
  return std::move(program_);
}

}  // namespace drawbridge
