#include "text/regex_dialect.h"

#include <array>

namespace drawbridge {
namespace {

constexpr size_t kMaxPatternBytes = 4096;

// Letters and numbers that Unicode 15 and 16 added: Debian 12's PCRE2 knows Unicode 14, HF tokenizers 16.
constexpr std::string_view kLetters =
    "\\p{L}\\x{1C89}-\\x{1C8A}\\x{A7CB}-\\x{A7CD}\\x{A7DA}-\\x{A7DC}\\x{105C0}-\\x{105F3}\\x{10D4A}-\\x{10D65}"
    "\\x{10D6F}-\\x{10D85}\\x{10EC2}-\\x{10EC4}\\x{1123F}-\\x{11240}\\x{11380}-\\x{11389}\\x{1138B}\\x{1138E}"
    "\\x{11390}-\\x{113B5}\\x{113B7}\\x{113D1}\\x{113D3}\\x{11BC0}-\\x{11BE0}\\x{11F02}\\x{11F04}-\\x{11F10}"
    "\\x{11F12}-\\x{11F33}\\x{1342F}\\x{13441}-\\x{13446}\\x{13460}-\\x{143FA}\\x{16100}-\\x{1611D}"
    "\\x{16D40}-\\x{16D6C}\\x{18CFF}\\x{1B132}\\x{1B155}\\x{1DF25}-\\x{1DF2A}\\x{1E030}-\\x{1E06D}"
    "\\x{1E4D0}-\\x{1E4EB}\\x{1E5D0}-\\x{1E5ED}\\x{1E5F0}\\x{2B739}\\x{2EBF0}-\\x{2EE5D}\\x{31350}-\\x{323AF}";
constexpr std::string_view kNumbers =
    "\\p{N}\\x{10D40}-\\x{10D49}\\x{116D0}-\\x{116E3}\\x{11BF0}-\\x{11BF9}\\x{11F50}-\\x{11F59}\\x{16130}-\\x{16139}"
    "\\x{16D70}-\\x{16D79}\\x{1CCF0}-\\x{1CCF9}\\x{1D2C0}-\\x{1D2D3}\\x{1E4F0}-\\x{1E4F9}\\x{1E5F1}-\\x{1E5FA}";
// Unicode White_Space; PCRE2's own \s differs (it is ASCII, or with UCP includes U+180E).
constexpr std::string_view kSpaces =
    "\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}";

class Translator {
 public:
  Translator(std::string_view pattern, const std::string& source) : in_(pattern), source_(source) {}

  Result<std::string> run() {
    while (at_ < in_.size()) DB_TRY(step());
    return std::move(out_);
  }

 private:
  Status step() {
    const char c = in_[at_];
    if (c == '\\') return escape();
    if (in_class_) {
      if (c == '[') return refuse("nested or POSIX class");
      if (c == '&' && in_.substr(at_, 2) == "&&") return refuse("class intersection &&");
      if (c == ']') in_class_ = false;
    } else if (c == '[') {
      in_class_ = true;
    } else if (c == '^' || c == '$' || c == '.') {
      return refuse(std::string(1, c));
    } else if (c == '(') {
      DB_TRY(group());
    }
    out_ += c;
    ++at_;
    return {};
  }

  Status group() {
    constexpr std::array<std::string_view, 7> kKnown = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    const std::string_view rest = in_.substr(at_);
    if (rest.substr(0, 2) == "(*") return refuse("(*");
    if (rest.substr(0, 2) != "(?") return {};
    for (std::string_view known : kKnown) {
      if (rest.substr(0, known.size()) == known) return {};
    }
    return refuse(std::string(rest.substr(0, 4)));
  }

  Status escape() {
    const std::string_view rest = in_.substr(at_);
    if (rest.size() < 2) return refuse("a lone backslash");
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSets = {
        {{"\\s", kSpaces}, {"\\p{L}", kLetters}, {"\\p{N}", kNumbers}}};
    for (const auto& [name, members] : kSets) {
      if (rest.substr(0, name.size()) != name) continue;
      put_set(members, false);
      at_ += name.size();
      return {};
    }
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kNegated = {
        {{"\\S", kSpaces}, {"\\P{L}", kLetters}, {"\\P{N}", kNumbers}}};
    for (const auto& [name, members] : kNegated) {
      if (rest.substr(0, name.size()) != name || in_class_) continue;
      put_set(members, true);
      at_ += name.size();
      return {};
    }
    const char c = rest[1];
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || byte >= 0x80;
    if (letter && c != 'n' && c != 'r' && c != 't') return refuse(std::string(rest.substr(0, 6)));
    out_ += rest.substr(0, 2);
    at_ += 2;
    return {};
  }

  void put_set(std::string_view members, bool negated) {
    if (!in_class_) out_ += negated ? "[^" : "[";
    out_ += members;
    if (!in_class_) out_ += ']';
  }

  Status refuse(const std::string& what) const {
    return fail(Code::kUnsupported,
                "{}: pre_tokenizer regex: wanted only \\s \\S \\p{{L}} \\p{{N}} \\r \\n \\t, classes and plain groups, "
                "found '{}' at byte {}",
                source_, what, at_);
  }

  std::string_view in_;
  const std::string& source_;
  size_t at_ = 0;
  bool in_class_ = false;
  std::string out_;
};

}  // namespace

Result<std::string> translate_split_regex(std::string_view pattern, const std::string& source) {
  if (pattern.empty() || pattern.size() > kMaxPatternBytes) {
    return fail(Code::kOutOfRange, "{}: pre_tokenizer regex: wanted 1 to {} bytes, found {}", source, kMaxPatternBytes,
                pattern.size());
  }
  return Translator(pattern, source).run();
}

}  // namespace drawbridge
