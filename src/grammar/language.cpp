#include "grammar/language.h"

#include <algorithm>
#include <set>

#include "text/utf8.h"

namespace drawbridge {
namespace {

constexpr int32_t kMaxDepth = 2000;

void insert_digits(std::set<char32_t>& starts) {
  for (char32_t c = '.'; c <= '9' + 1; ++c) starts.insert(c);
}

/// Takes out the states from which no end can be reached.
CharacterDfa trimmed(const CharacterDfa& dfa) {
  std::vector<std::vector<int32_t>> from(dfa.states.size());
  std::vector<int32_t> todo, place(dfa.states.size(), -1);
  std::vector<bool> useful(dfa.states.size());
  for (size_t i = 0; i < dfa.states.size(); ++i) {
    for (const auto& edge : dfa.states[i].edges) from[static_cast<size_t>(edge.to)].push_back(static_cast<int32_t>(i));
    useful[i] = dfa.states[i].is_final;
    if (useful[i]) todo.push_back(static_cast<int32_t>(i));
  }
  while (!todo.empty()) {
    const auto at = static_cast<size_t>(todo.back());
    todo.pop_back();
    for (const int32_t before : from[at]) {
      if (useful[static_cast<size_t>(before)]) continue;
      useful[static_cast<size_t>(before)] = true;
      todo.push_back(before);
    }
  }
  CharacterDfa out;
  if (!useful[0]) return out;
  int32_t n = 0;
  for (size_t i = 0; i < place.size(); ++i) place[i] = useful[i] ? n++ : -1;
  for (size_t i = 0; i < place.size(); ++i) {
    if (!useful[i]) continue;
    CharacterDfa::State state{{}, dfa.states[i].is_final};
    for (auto edge : dfa.states[i].edges) {
      edge.to = place[static_cast<size_t>(edge.to)];
      if (edge.to >= 0) state.edges.push_back(edge);
    }
    out.states.push_back(std::move(state));
  }
  return out;
}

}  // namespace

CharacterSet normalized(CharacterSet set) {
  std::sort(set.begin(), set.end(), [](const auto& a, const auto& b) { return a.low < b.low; });
  CharacterSet out;
  for (const CharacterRange& range : set) {
    if (!out.empty() && range.low <= out.back().high + 1) {
      out.back().high = std::max(out.back().high, range.high);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

CharacterSet complement(const CharacterSet& set) {
  CharacterSet out;
  char32_t from = 0;
  for (const CharacterRange& range : normalized(set)) {
    if (range.low > from) out.push_back({from, range.low - 1});
    from = range.high + 1;
  }
  if (from <= kLastCharacter) out.push_back({from, kLastCharacter});
  return out;
}

Languages::Languages(int64_t max_terms) : max_terms_(max_terms) {
  nodes_.push_back({Kind::kNever, {}, false, 1});
  nodes_.push_back({Kind::kEmpty, {}, true, 1});
  all_ = repeat(set({{0, kLastCharacter}}), 0, kUnbounded);
}

Languages::Term Languages::intern(Kind kind, std::vector<int64_t> arguments, bool has_empty, int32_t depth) {
  if (!status_.ok()) return never();
  const auto [found, is_new] = ids_.try_emplace({kind, arguments}, static_cast<Term>(nodes_.size()));
  if (!is_new) return found->second;
  nodes_.push_back({kind, std::move(arguments), has_empty, depth});
  if (static_cast<int64_t>(nodes_.size()) > max_terms_) {
    status_ = fail(Code::kOutOfRange, "pattern: wanted at most {} terms while it is compiled, found more", max_terms_);
  } else if (depth > kMaxDepth) {
    status_ = fail(Code::kOutOfRange, "pattern: wanted at most {} optional parts in a row, found more", kMaxDepth);
  }
  return found->second;
}

int32_t Languages::deepest(const std::vector<Term>& terms) const {
  int32_t depth = 0;
  for (const Term term : terms) depth = std::max(depth, node(term).depth);
  return depth;
}

Languages::Term Languages::set(CharacterSet characters) {
  characters = normalized(std::move(characters));
  if (characters.empty()) return never();
  const auto found = std::find(sets_.begin(), sets_.end(), characters);
  const auto index = found - sets_.begin();
  if (found == sets_.end()) sets_.push_back(std::move(characters));
  return intern(Kind::kSet, {index}, false, 1);
}

Languages::Term Languages::text(std::string_view utf8) {
  std::vector<char32_t> characters;
  for (size_t at = 0; at < utf8.size();) {
    const Utf8Step step = next_utf8(utf8, at);
    characters.push_back(step.valid ? decode_utf8(utf8.substr(at, step.bytes)) : char32_t{0xfffd});
    at += step.bytes;
  }
  Term out = empty();
  for (size_t i = characters.size(); i-- > 0;) out = sequence(set({{characters[i], characters[i]}}), out);
  return out;
}

Languages::Term Languages::sequence(Term first, Term second) {
  if (first == never() || second == never()) return never();
  if (first == empty()) return second;
  if (second == empty()) return first;
  const Node a = node(first);
  if (a.kind == Kind::kSequence) return sequence(of(a, 0), sequence(of(a, 1), second));
  const int32_t depth = std::max(a.depth, a.has_empty ? node(second).depth : 0) + 1;
  return intern(Kind::kSequence, {first, second}, a.has_empty && node(second).has_empty, depth);
}

/// Sorted, each once, those of the same kind taken apart.
std::vector<Languages::Term> Languages::flattened(Kind kind, std::vector<Term> terms) const {
  std::vector<Term> out;
  for (const Term term : terms) {
    const Node& own = node(term);
    if (own.kind != kind) {
      out.push_back(term);
      continue;
    }
    for (size_t i = 0; i < own.arguments.size(); ++i) out.push_back(of(own, i));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Languages::Term Languages::either(std::vector<Term> terms) {
  terms = flattened(Kind::kEither, std::move(terms));
  terms.erase(std::remove(terms.begin(), terms.end(), never()), terms.end());
  if (std::find(terms.begin(), terms.end(), all_) != terms.end()) return all_;
  if (terms.empty()) return never();
  if (terms.size() == 1) return terms[0];
  const bool has_empty = std::any_of(terms.begin(), terms.end(), [&](Term t) { return node(t).has_empty; });
  return intern(Kind::kEither, {terms.begin(), terms.end()}, has_empty, deepest(terms) + 1);
}

Languages::Term Languages::both(std::vector<Term> terms) {
  terms = flattened(Kind::kBoth, std::move(terms));
  terms.erase(std::remove(terms.begin(), terms.end(), all_), terms.end());
  if (std::find(terms.begin(), terms.end(), never()) != terms.end()) return never();
  if (terms.empty()) return all_;
  if (terms.size() == 1) return terms[0];
  const bool has_empty = std::all_of(terms.begin(), terms.end(), [&](Term t) { return node(t).has_empty; });
  return intern(Kind::kBoth, {terms.begin(), terms.end()}, has_empty, deepest(terms) + 1);
}

Languages::Term Languages::without(Term term) {
  if (term == never()) return all_;
  if (term == all_) return never();
  const Node own = node(term);
  if (own.kind == Kind::kWithout) return of(own, 0);
  return intern(Kind::kWithout, {term}, !own.has_empty, own.depth + 1);
}

Languages::Term Languages::repeat(Term term, int64_t min, int64_t max) {
  if (max == 0 || term == empty()) return empty();
  if (term == never()) return min == 0 ? empty() : never();
  if (min == 1 && max == 1) return term;
  const Node own = node(term);
  if (own.has_empty) min = 0;
  return intern(Kind::kRepeat, {term, min, max}, min == 0, own.depth + 1);
}

/// Arguments: divisor, remainder so far, decimals that may still count, and whether the point was there.
Languages::Term Languages::make_multiple(std::vector<int64_t> arguments) {
  __int128 rest = arguments[1];
  for (int64_t i = 0; i < arguments[2]; ++i) rest = rest * 10 % arguments[0];
  return intern(Kind::kMultiple, std::move(arguments), rest == 0, 1);
}

Languages::Term Languages::multiple(int64_t divisor, int64_t n_decimals) {
  return make_multiple({divisor, 0, n_decimals, 0});
}

Languages::Term Languages::derivative_of_multiple(const Node& own, char32_t c) {
  std::vector<int64_t> next = own.arguments;
  if (c == '.') {
    if (next[3] != 0) return never();
    next[3] = 1;
    return make_multiple(std::move(next));
  }
  if (c < '0' || c > '9') return never();
  if (next[3] != 0 && next[2] == 0) return c == '0' ? make_multiple(std::move(next)) : never();
  if (next[3] != 0) --next[2];
  next[1] = static_cast<int64_t>((static_cast<__int128>(next[1]) * 10 + (c - '0')) % next[0]);
  return make_multiple(std::move(next));
}

Languages::Term Languages::without_marks(Term marked) {
  const Term begun = derivative(marked, kTextBegin);
  const Node own = node(begun);
  const bool has_empty = node(derivative(begun, kTextEnd)).has_empty;
  return intern(Kind::kUnmarked, {begun}, has_empty, own.depth + 1);
}

Languages::Term Languages::derivative(Term term, char32_t c) {
  const Node own = node(term);  // a copy: terms are made below
  switch (own.kind) {
    case Kind::kNever:
    case Kind::kEmpty:
      return never();
    case Kind::kSet: {
      const CharacterSet& set = sets_[static_cast<size_t>(own.arguments[0])];
      const bool has = std::any_of(set.begin(), set.end(), [c](const auto& r) { return r.low <= c && c <= r.high; });
      return has ? empty() : never();
    }
    case Kind::kMultiple:
      return derivative_of_multiple(own, c);
    default:
      break;
  }
  const auto known = derivatives_.find({term, c});
  if (known != derivatives_.end()) return known->second;
  const Term made = derivative_of_parts(own, c);
  if (status_.ok()) derivatives_[{term, c}] = made;
  return made;
}

Languages::Term Languages::derivative_of_parts(const Node& own, char32_t c) {
  const Term first = of(own, 0);
  if (own.kind == Kind::kSequence) {
    const Term kept = sequence(derivative(first, c), of(own, 1));
    return node(first).has_empty ? either({kept, derivative(of(own, 1), c)}) : kept;
  }
  if (own.kind == Kind::kWithout) return without(derivative(first, c));
  if (own.kind == Kind::kRepeat) {
    const int64_t min = std::max<int64_t>(own.arguments[1] - 1, 0);
    const int64_t max = own.arguments[2] == kUnbounded ? kUnbounded : own.arguments[2] - 1;
    return sequence(derivative(first, c), repeat(first, min, max));
  }
  if (own.kind == Kind::kUnmarked) {
    const Term next = derivative(first, c);
    if (next == never()) return never();
    const bool has_empty = node(derivative(next, kTextEnd)).has_empty;
    return intern(Kind::kUnmarked, {next}, has_empty, node(next).depth + 1);
  }
  std::vector<Term> parts;
  for (size_t i = 0; i < own.arguments.size(); ++i) parts.push_back(derivative(of(own, i), c));
  return own.kind == Kind::kEither ? either(std::move(parts)) : both(std::move(parts));
}

/// Between two of these all characters are alike to every term.
std::vector<char32_t> Languages::class_starts() const {
  std::set<char32_t> starts = {0};
  for (const CharacterSet& set : sets_) {
    for (const CharacterRange& range : set) {
      starts.insert(range.low);
      starts.insert(range.high + 1);
    }
  }
  for (const Node& own : nodes_) {
    if (own.kind == Kind::kMultiple) insert_digits(starts);
  }
  starts.erase(starts.lower_bound(kLastCharacter + 1), starts.end());
  return {starts.begin(), starts.end()};
}

Result<CharacterDfa> Languages::to_dfa(Term term, int64_t max_states) {
  const std::vector<char32_t> starts = class_starts();
  CharacterDfa dfa;
  std::map<Term, int32_t> places = {{term, 0}};
  std::vector<Term> terms = {term};
  for (size_t at = 0; at < terms.size(); ++at) {
    CharacterDfa::State state{{}, node(terms[at]).has_empty};
    for (size_t i = 0; i < starts.size(); ++i) {
      const Term next = derivative(terms[at], starts[i]);
      DB_TRY(Status(status_));
      if (next == never()) continue;
      const char32_t high = i + 1 < starts.size() ? starts[i + 1] - 1 : kLastCharacter;
      const auto [place, is_new] = places.try_emplace(next, static_cast<int32_t>(terms.size()));
      if (is_new) terms.push_back(next);
      auto& edges = state.edges;
      if (!edges.empty() && edges.back().to == place->second && edges.back().high + 1 == starts[i]) {
        edges.back().high = high;
      } else {
        edges.push_back({starts[i], high, place->second});
      }
    }
    dfa.states.push_back(std::move(state));
    if (static_cast<int64_t>(terms.size()) <= max_states) continue;
    return fail(Code::kOutOfRange, "pattern: wanted an automaton of at most {} states, found more", max_states);
  }
  DB_TRY(Status(status_));
  return trimmed(dfa);
}

}  // namespace drawbridge
