// Regular expressions: the part of ECMA-262 whose meaning is a set of texts. Look-around, back references, word
// boundaries and Unicode properties are refused (kUnsupported).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/compile.h"
#include "grammar/language.h"

namespace drawbridge {

enum class RegexMatch {
  kWhole,   // the pattern is all of the text
  kSearch,  // the pattern stands somewhere in it, as in JSON Schema
};

/// The texts that `pattern` matches. `field` starts every error message, which says at which character.
Result<Languages::Term> parse_regex(Languages& languages, std::string_view pattern, RegexMatch match,
                                    const std::string& field, const GrammarLimits& limits);

}  // namespace drawbridge
