#include "load/prompt_text.h"

#include <cmath>

#include "base/check.h"
#include "base/rng.h"

namespace drawbridge {

std::span<const std::string_view> prompt_words() {
  static constexpr std::string_view kWords[] = {
      "about",   "after",   "again",     "air",   "all",       "along",   "also",   "always", "animal", "answer",
      "another", "around",  "ask",       "away",  "back",      "because", "before", "began",  "being",  "below",
      "between", "big",     "book",      "both",  "boy",       "build",   "came",   "change", "city",   "close",
      "country", "cut",     "day",       "did",   "different", "down",    "each",   "earth",  "end",    "enough",
      "every",   "example", "eye",       "face",  "family",    "far",     "father", "feet",   "few",    "find",
      "first",   "follow",  "food",      "form",  "found",     "four",    "from",   "girl",   "give",   "good",
      "great",   "group",   "grow",      "hand",  "hard",      "head",    "help",   "here",   "high",   "home",
      "house",   "idea",    "important", "into",  "keep",      "kind",    "know",   "land",   "large",  "last",
      "later",   "learn",   "leave",     "left",  "letter",    "life",    "light",  "line",   "list",   "little",
      "live",    "long",    "look",      "made",  "make",      "many",    "mean",   "men",    "might",  "miss",
      "most",    "mother",  "mountain",  "move",  "much",      "must",    "name",   "near",   "need",   "never",
      "next",    "night",   "number",    "often", "old",       "once",    "only",   "open",   "other",  "over",
      "own",     "page",    "paper",     "part",  "people",    "place",   "plant",  "play"};
  static_assert(std::size(kWords) == 128);
  return kWords;
}

Result<int64_t> count_tokens(const TokenCosts& costs, const std::string& text) {
  if (costs.count) return costs.count(text);
  double n_bytes = 0;
  double n_tokens = 0;
  for (const std::string_view word : prompt_words()) n_bytes += static_cast<double>(word.size() + 1);
  for (const double cost : costs.per_word) n_tokens += cost;
  return std::llround(static_cast<double>(text.size()) * n_tokens / n_bytes);
}

std::string PromptText::draw(uint64_t stream, int64_t n_tokens) const {
  const auto words = prompt_words();
  DB_CHECK(costs_.per_word.size() == words.size());
  const uint64_t seed = bits_at(seed_, stream);
  std::string text;
  double left = static_cast<double>(n_tokens);
  for (uint64_t n = 0; left >= 0.5; ++n) {
    const size_t drawn = bits_at(seed, n) % words.size();
    // The end is met exactly where there are words cheap enough; there are in every vocabulary of 30,000 and more.
    size_t word = drawn;
    for (size_t i = 1; costs_.per_word[word] >= left + 0.5 && i < words.size(); ++i) word = (drawn + i) % words.size();
    if (!text.empty()) text += ' ';
    text += words[word];
    left -= costs_.per_word[word];
  }
  return text;
}

}  // namespace drawbridge
