// Turns the Split regex of a tokenizer.json (Oniguruma, Unicode 16 in HF tokenizers) into one that PCRE2 reads with
// the same meaning. Constructs that the two engines read differently are refused by name, never guessed.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace drawbridge {

Result<std::string> translate_split_regex(std::string_view pattern, const std::string& source);

}  // namespace drawbridge
