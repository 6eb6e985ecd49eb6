// Sentences that hide a needle: those of a text given by the user, or made up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drawbridge {

/// Splits at ends of sentences and lines; a sentence is at most 240 bytes of whole words and characters.
std::vector<std::string> split_sentences(std::string_view text);

/// Plain English sentences without any digit, the same for the same seed.
std::vector<std::string> made_up_sentences(int64_t n, uint64_t seed);

}  // namespace drawbridge
