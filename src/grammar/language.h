// Languages of characters: regular expressions with intersection and complement, and numbers that are multiples of
// another, as terms that are taken apart by derivatives (Brzozowski 1964): the derivative of a language by a character
// is what may follow it. A term and its derivatives are the states of a deterministic automaton.
// Equal terms are one term. Making terms costs fuel; when it is out, status() fails and every new term is never().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grammar/program.h"

namespace drawbridge {

struct CharacterRange {
  char32_t low = 0, high = 0;
  bool operator==(const CharacterRange&) const = default;
};
using CharacterSet = std::vector<CharacterRange>;  // ascending, with gaps between

inline constexpr char32_t kLastCharacter = 0x10ffff;
/// Stand around a text where a pattern's ^ and $ can take them.
inline constexpr char32_t kTextBegin = 0x110000, kTextEnd = 0x110001;

/// Sorted and joined.
CharacterSet normalized(CharacterSet set);
/// All characters but these.
CharacterSet complement(const CharacterSet& set);

/// A deterministic automaton of characters, from state 0; every state leads to an end.
struct CharacterDfa {
  struct Edge {
    char32_t low = 0, high = 0;
    int32_t to = 0;
  };
  struct State {
    std::vector<Edge> edges;
    bool is_final = false;
  };
  std::vector<State> states;  // empty: no text at all
};

class Languages {
 public:
  using Term = int32_t;

  explicit Languages(int64_t max_terms);

  Term never() const { return 0; }
  Term empty() const { return 1; }
  /// Every text.
  Term all() const { return all_; }
  Term set(CharacterSet characters);
  Term text(std::string_view utf8);
  Term sequence(Term first, Term second);
  Term either(std::vector<Term> terms);
  Term both(std::vector<Term> terms);
  Term without(Term term);  // every text but these
  Term repeat(Term term, int64_t min, int64_t max);
  /// Decimal numbers without sign or exponent that are multiples of divisor / 10^n_decimals.
  Term multiple(int64_t divisor, int64_t n_decimals);

  /// The texts x for which kTextBegin x kTextEnd is in `marked`.
  Term without_marks(Term marked);

  Result<CharacterDfa> to_dfa(Term term, int64_t max_states);
  const Status& status() const { return status_; }

 private:
  enum class Kind : uint8_t {
    kNever,
    kEmpty,
    kSet,
    kSequence,
    kEither,
    kBoth,
    kWithout,
    kRepeat,
    kMultiple,
    kUnmarked
  };
  struct Node {
    Kind kind = Kind::kNever;
    std::vector<int64_t> arguments;
    bool has_empty = false;
    int32_t depth = 1;  // of recursion into it
  };

  Term intern(Kind kind, std::vector<int64_t> arguments, bool has_empty, int32_t depth);
  Term of(const Node& node, size_t i) const { return static_cast<Term>(node.arguments[i]); }
  const Node& node(Term term) const { return nodes_[static_cast<size_t>(term)]; }
  std::vector<Term> flattened(Kind kind, std::vector<Term> terms) const;
  int32_t deepest(const std::vector<Term>& terms) const;
  Term derivative(Term term, char32_t c);
  Term derivative_of_parts(const Node& own, char32_t c);
  Term derivative_of_multiple(const Node& own, char32_t c);
  Term make_multiple(std::vector<int64_t> arguments);
  std::vector<char32_t> class_starts() const;

  const int64_t max_terms_;
  std::vector<Node> nodes_;
  std::map<std::pair<Kind, std::vector<int64_t>>, Term> ids_;
  std::vector<CharacterSet> sets_;
  std::map<std::pair<Term, char32_t>, Term> derivatives_;
  Term all_ = 0;
  Status status_;
};

}  // namespace drawbridge
