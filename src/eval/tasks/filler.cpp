#include "eval/tasks/filler.h"

#include <fmt/format.h>

#include <array>

#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxSentenceBytes = 240;

constexpr std::array<const char*, 12> kSubjects = {"The old ferry",       "A grey heron",       "The night baker",
                                                   "Our neighbour's dog", "The village choir",  "A tired gardener",
                                                   "The second tenant",   "The harbour master", "A row of poplars",
                                                   "The travelling fair", "The clockmaker",     "A flock of sheep"};
constexpr std::array<const char*, 12> kVerbs = {"waited beside",     "was seen near",       "crossed slowly by",
                                                "rested behind",     "came early to",       "was painted as part of",
                                                "was missed at",     "disappeared towards", "made no sound near",
                                                "was remembered at", "turned away from",    "stood all day beside"};
constexpr std::array<const char*, 12> kPlaces = {"the stone bridge", "the empty market", "the upper meadow",
                                                 "the railway yard", "the school gate",  "the lower mill",
                                                 "the chapel wall",  "the sand quarry",  "the post office",
                                                 "the wooden pier",  "the toll house",   "the orchard fence"};
constexpr std::array<const char*, 12> kTimes = {
    "before the rain came",     "while the bells were silent", "long after the harvest",
    "as the fog lifted",        "on the shortest day",         "when nobody was looking",
    "until the lamps were lit", "without any hurry",           "as in every other year",
    "just before closing time", "in spite of the cold wind",   "to the surprise of the guests"};

template <size_t n>
const char* choose(const std::array<const char*, n>& words, uint64_t bits) {
  return words[bits % n];
}

std::string_view trim(std::string_view text) {
  const size_t from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

/// Bytes of the first sentence of `text`, its end included.
size_t first_sentence(std::string_view text) {
  size_t last_blank = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool at_blank = text[i] == ' ' || text[i] == '\n';
    if (text[i] == '\n') return i + 1;
    if (at_blank && i > 0 && (text[i - 1] == '.' || text[i - 1] == '!' || text[i - 1] == '?')) return i + 1;
    if (at_blank) last_blank = i;
    if (i >= kMaxSentenceBytes && last_blank > 0) return last_blank + 1;
    // Text without blanks is cut between two characters.
    if (i >= kMaxSentenceBytes && (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return i;
  }
  return text.size();
}

}  // namespace

std::vector<std::string> split_sentences(std::string_view text) {
  std::vector<std::string> sentences;
  while (!text.empty()) {
    const size_t n = first_sentence(text);
    const std::string_view sentence = trim(text.substr(0, n));
    if (!sentence.empty()) sentences.emplace_back(sentence);
    text.remove_prefix(n);
  }
  return sentences;
}

std::vector<std::string> made_up_sentences(int64_t n, uint64_t seed) {
  std::vector<std::string> sentences;
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t bits = bits_at(seed, static_cast<uint64_t>(i));
    sentences.push_back(fmt::format("{} {} {} {}.", choose(kSubjects, bits), choose(kVerbs, bits >> 16),
                                    choose(kPlaces, bits >> 32), choose(kTimes, bits >> 48)));
  }
  return sentences;
}

}  // namespace drawbridge
