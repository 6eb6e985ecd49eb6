#include "eval/tasks/number_filters.h"

namespace drawbridge {
namespace {

constexpr std::string_view kMarker = "#### ";
constexpr std::string_view kDigits = "0123456789";

/// Length of the match that starts at text[at]: an optional minus and then at least `least` of `characters`; or 0.
size_t signed_run(std::string_view text, size_t at, std::string_view characters, size_t least) {
  const size_t start = at + (text[at] == '-' ? 1 : 0);
  if (start > text.size()) return 0;
  const size_t end = std::min(text.find_first_not_of(characters, start), text.size());
  return end >= start + least ? end - at : 0;
}

ScoredAnswer compare(const EvalItem& item, std::string answer) {
  const double score = normalize_number(answer) == normalize_number(item.expected) ? 1 : 0;
  return {std::move(answer), score};
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::string strict_match(std::string_view text) {
  for (size_t at = text.find(kMarker); at != std::string_view::npos; at = text.find(kMarker, at + 1)) {
    const size_t start = at + kMarker.size();
    if (start == text.size()) break;
    if (const size_t n = signed_run(text, start, "0123456789.,", 1); n > 0) return std::string(text.substr(start, n));
  }
  return std::string(kNoAnswer);
}

std::string flexible_extract(std::string_view text) {
  std::string_view last = kNoAnswer;
  for (size_t at = 0; at < text.size();) {
    size_t n = signed_run(text, at, "$0123456789.,", 2);
    if (n == 0) n = signed_run(text, at, kDigits, 1);
    if (n > 0) last = text.substr(at, n);
    at += n > 0 ? n : 1;
  }
  return std::string(last);
}

std::string normalize_number(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ',' && c != '$') out += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (const size_t marker = out.rfind(kMarker); marker != std::string::npos) out.erase(0, marker + kMarker.size());
  if (out.ends_with('.')) out.pop_back();
  return out;
}

AnswerFilter strict_match_filter() {
  return {"strict-match",
          [](const EvalItem& item, const std::string& text) { return compare(item, strict_match(text)); }};
}

AnswerFilter flexible_extract_filter() {
  return {"flexible-extract",
          [](const EvalItem& item, const std::string& text) { return compare(item, flexible_extract(text)); }};
}

AnswerFilter exact_filter() {
  return {"exact", [](const EvalItem& item, const std::string& text) {
            const std::string answer(trim(text));
            return ScoredAnswer{answer, answer == trim(item.expected) ? 1.0 : 0.0};
          }};
}

}  // namespace drawbridge
