// How lm-eval takes the answer of a GSM8K question out of a text and compares it, character for character.
#pragma once

#include <string>
#include <string_view>

#include "eval/tasks/task.h"

namespace drawbridge {

/// What stands where a text has no answer.
inline constexpr std::string_view kNoAnswer = "[invalid]";

/// First match of `#### (\-?[0-9\.\,]+)`.
std::string strict_match(std::string_view text);
/// Last match of `(-?[$0-9.,]{2,})|(-?[0-9]+)`.
std::string flexible_extract(std::string_view text);
/// A text or reference as exact_match compares it: without commas, dollars, all up to the last "#### ", and a final
/// full stop; in lower case.
std::string normalize_number(std::string_view text);

AnswerFilter strict_match_filter();
AnswerFilter flexible_extract_filter();
/// The whole text, without blanks around it.
AnswerFilter exact_filter();

}  // namespace drawbridge
