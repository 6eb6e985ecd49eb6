#include "grammar/regex.h"

#include <algorithm>
#include <optional>

#include "text/utf8.h"

namespace drawbridge {
namespace {

using Term = Languages::Term;

constexpr int64_t kMaxCount = 10000;

CharacterSet digits() {
  return {{'0', '9'}};
}
CharacterSet word_characters() {
  return normalized({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}});
}
CharacterSet white_space() {
  return normalized({{'\t', '\r'},
                     {' ', ' '},
                     {0xa0, 0xa0},
                     {0x1680, 0x1680},
                     {0x2000, 0x200a},
                     {0x2028, 0x2029},
                     {0x202f, 0x202f},
                     {0x205f, 0x205f},
                     {0x3000, 0x3000},
                     {0xfeff, 0xfeff}});
}

/// \d and the like, and their complements in upper case.
std::optional<CharacterSet> named_class(char32_t name) {
  switch (name) {
    case 'd':
      return digits();
    case 'D':
      return complement(digits());
    case 'w':
      return word_characters();
    case 'W':
      return complement(word_characters());
    case 's':
      return white_space();
    case 'S':
      return complement(white_space());
    default:
      return std::nullopt;
  }
}

class Parser {
 public:
  Parser(Languages& languages, std::string_view pattern, const std::string& field, int max_depth)
      : languages_(languages), field_(field), max_depth_(max_depth) {
    for (size_t at = 0; at < pattern.size();) {
      const Utf8Step step = next_utf8(pattern, at);
      text_.push_back(step.valid ? decode_utf8(pattern.substr(at, step.bytes)) : char32_t{0xfffd});
      at += step.bytes;
    }
  }

  /// The open groups stand on a stack of our own.
  Result<Term> parse() {
    groups_.emplace_back();
    while (at_ < text_.size()) DB_TRY(step());
    if (groups_.size() > 1) return wrong("wanted ')', found the end");
    return close();
  }

 private:
  struct Group {
    std::vector<Term> alternatives, parts;
  };

  template <typename... Args>
  Status wrong(fmt::format_string<Args...> format, Args&&... args) const {
    return say(Code::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...));
  }
  Status unsupported(std::string_view what) const {
    return say(Code::kUnsupported, fmt::format("{} cannot be enforced", what));
  }
  Status say(Code code, const std::string& what) const {
    return fail(code, "{}: regular expression at character {}: {}", field_, at_, what);
  }

  bool at_text(std::u32string_view expected) const {
    return std::u32string_view(text_).substr(std::min(at_, text_.size())).substr(0, expected.size()) == expected;
  }
  bool take(std::u32string_view expected) {
    if (!at_text(expected)) return false;
    at_ += expected.size();
    return true;
  }

  Term sequence(const std::vector<Term>& parts) {
    Term out = languages_.empty();
    for (size_t i = parts.size(); i-- > 0;) out = languages_.sequence(parts[i], out);
    return out;
  }

  Term close() {
    Group group = std::move(groups_.back());
    groups_.pop_back();
    group.alternatives.push_back(sequence(group.parts));
    return languages_.either(std::move(group.alternatives));
  }

  Status step() {
    if (take(U"|")) {
      Group& group = groups_.back();
      group.alternatives.push_back(sequence(group.parts));
      group.parts.clear();
      return Status();
    }
    if (at_text(U"(")) return open();
    Term term = 0;
    if (take(U")")) {
      if (groups_.size() == 1) return wrong("')' closes nothing");
      term = close();
    } else if (take(U"^")) {
      groups_.back().parts.push_back(languages_.set({{kTextBegin, kTextBegin}}));
      return Status();
    } else if (take(U"$")) {
      groups_.back().parts.push_back(languages_.set({{kTextEnd, kTextEnd}}));
      return Status();
    } else {
      DB_ASSIGN(const CharacterSet set, atom());
      term = languages_.set(set);
    }
    return quantified(term);
  }

  Status open() {
    if (at_text(U"(?=") || at_text(U"(?!") || at_text(U"(?<=") || at_text(U"(?<!")) return unsupported("look-around");
    ++at_;
    if (take(U"?<")) {
      while (at_ < text_.size() && text_[at_] != '>') ++at_;
      if (!take(U">")) return wrong("wanted '>' after the group's name, found the end");
    } else if (!take(U"?:") && at_text(U"?")) {
      return wrong("wanted (?: or (?<name>, found another group");
    }
    groups_.emplace_back();
    if (static_cast<int>(groups_.size()) <= max_depth_) return Status();
    return say(Code::kOutOfRange, fmt::format("wanted groups at most {} deep, found more", max_depth_));
  }

  Status quantified(Term term) {
    int64_t min = 1, max = 1;
    if (take(U"*")) {
      min = 0, max = kUnbounded;
    } else if (take(U"+")) {
      max = kUnbounded;
    } else if (take(U"?")) {
      min = 0;
    } else if (take(U"{")) {
      DB_TRY(counts(min, max));
    } else {
      groups_.back().parts.push_back(term);
      return Status();
    }
    take(U"?");  // how much is tried first does not change what matches
    if (at_text(U"*") || at_text(U"+") || at_text(U"?")) return wrong("nothing to repeat");
    groups_.back().parts.push_back(languages_.repeat(term, min, max));
    return Status();
  }

  Status counts(int64_t& min, int64_t& max) {
    const auto low = number();
    if (!low) return wrong("wanted a count after '{{'");
    min = max = *low;
    if (take(U",")) {
      const auto high = number();
      max = high.value_or(kUnbounded);
    }
    if (!take(U"}")) return wrong("wanted '}}' after a count");
    if (max < min) return wrong("wanted a maximum of at least {}, found {}", min, max);
    if (min <= kMaxCount && (max == kUnbounded || max <= kMaxCount)) return Status();
    return say(Code::kOutOfRange, fmt::format("wanted counts of at most {}, found more", kMaxCount));
  }

  std::optional<int64_t> number() {
    std::optional<int64_t> out;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      out = std::min(out.value_or(0) * 10 + static_cast<int64_t>(text_[at_] - '0'), kMaxCount + 1);
    }
    return out;
  }

  Result<CharacterSet> atom() {
    const char32_t c = text_[at_];
    if (c == '[') return character_class();
    if (c == '\\') return escape();
    if (c == '*' || c == '+' || c == '?' || c == '{') return wrong("nothing to repeat");
    ++at_;
    if (c == '.') return complement({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});
    return CharacterSet{{c, c}};
  }

  /// A set of one character, unless a class is named.
  Result<CharacterSet> escape() {
    if (++at_ == text_.size()) return wrong("wanted a character after '\\', found the end");
    const char32_t c = text_[at_++];
    if (auto set = named_class(c)) return *set;
    constexpr std::u32string_view kNames = U"tnvfr0";
    constexpr std::u32string_view kMeanings(U"\t\n\v\f\r\0", kNames.size());
    if (const size_t known = kNames.find(c); known < kNames.size()) {
      return CharacterSet{{kMeanings[known], kMeanings[known]}};
    }
    if (c == 'x' || c == 'u') return numbered(c == 'x' ? 2 : 4);
    if (c == 'c' && at_ < text_.size() && ((text_[at_] | 0x20) >= 'a' && (text_[at_] | 0x20) <= 'z')) {
      const char32_t control = text_[at_++] & 0x1f;
      return CharacterSet{{control, control}};
    }
    if (c == 'p' || c == 'P') return unsupported("a Unicode property");
    if (c == 'b' || c == 'B') return unsupported("a word boundary");
    if (c == 'k' || (c >= '1' && c <= '9')) return unsupported("a back reference");
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_letter) return wrong("wanted a known escape, found '\\{}'", static_cast<char>(c));
    return CharacterSet{{c, c}};
  }

  Result<CharacterSet> numbered(size_t n_digits) {
    const bool braces = n_digits == 4 && take(U"{");
    char32_t value = 0;
    size_t n = 0;
    for (; at_ < text_.size() && n < (braces ? 6 : n_digits); ++n, ++at_) {
      const char32_t c = text_[at_], lower = c | 0x20;
      if (c >= '0' && c <= '9') {
        value = value * 16 + (c - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        value = value * 16 + (lower - 'a' + 10);
      } else {
        break;
      }
    }
    const bool whole = braces ? n > 0 && take(U"}") : n == n_digits;
    if (!whole || value > kLastCharacter) return wrong("wanted a character's number in hexadecimal digits");
    return CharacterSet{{value, value}};
  }

  Result<CharacterSet> character_class() {
    ++at_;
    const bool negated = take(U"^");
    CharacterSet set;
    while (!take(U"]")) {
      DB_ASSIGN(const CharacterSet low, class_member());
      set.insert(set.end(), low.begin(), low.end());
      if (!at_text(U"-") || at_text(U"-]")) continue;
      ++at_;
      DB_ASSIGN(const CharacterSet high, class_member());
      if (low.size() != 1 || high.size() != 1 || low[0].low != low[0].high || high[0].low != high[0].high) {
        return wrong("wanted single characters at both ends of a range");
      }
      if (high[0].low < low[0].low) return wrong("wanted a range that ascends");
      set.push_back({low[0].low, high[0].low});
    }
    return negated ? complement(set) : normalized(std::move(set));
  }

  Result<CharacterSet> class_member() {
    if (at_ >= text_.size()) return wrong("wanted ']', found the end");
    if (at_text(U"\\b")) {
      at_ += 2;
      return CharacterSet{{'\b', '\b'}};
    }
    if (text_[at_] == '\\') return escape();
    const char32_t c = text_[at_++];
    return CharacterSet{{c, c}};
  }

  Languages& languages_;
  const std::string& field_;
  const int max_depth_;
  std::u32string text_;
  size_t at_ = 0;
  std::vector<Group> groups_;
};

}  // namespace

Result<Languages::Term> parse_regex(Languages& languages, std::string_view pattern, RegexMatch match,
                                    const std::string& field, const GrammarLimits& limits) {
  if (pattern.size() > limits.max_text_bytes) {
    return fail(Code::kOutOfRange, "{}: wanted a regular expression of at most {} bytes, found {}", field,
                limits.max_text_bytes, pattern.size());
  }
  DB_ASSIGN(const Term own, Parser(languages, pattern, field, limits.max_depth).parse());
  // ^ and $ take a mark at either end of the text; what takes none lets it pass around.
  Term around_begin = languages.repeat(languages.set({{kTextBegin, kTextBegin}}), 0, 1);
  Term around_end = languages.repeat(languages.set({{kTextEnd, kTextEnd}}), 0, 1);
  if (match == RegexMatch::kSearch) {
    const Term any = languages.repeat(languages.set({{0, kTextEnd}}), 0, kUnbounded);
    around_begin = any;
    around_end = any;
  }
  const Term marked = languages.sequence(around_begin, languages.sequence(own, around_end));
  const Term term = languages.without_marks(marked);
  if (!languages.status().ok()) {
    return fail(languages.status().code(), "{}: {}", field, languages.status().message());
  }
  return term;
}

}  // namespace drawbridge
