// The calibration text as it is read: hostile until it turns out to be text.
#pragma once

#include <string>

#include "base/result.h"

namespace drawbridge {

/// The whole file without a byte order mark. Errors name file and byte offset: not UTF-8, a control character that no
/// text has (a binary file), nothing but white space.
Result<std::string> read_calibration_text(const std::string& path);

/// As read_calibration_text for a text that is already there; `source` starts every message.
Status check_is_text(std::string_view text, const std::string& source);

}  // namespace drawbridge
