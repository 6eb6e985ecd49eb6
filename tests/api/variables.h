// Variables of a script, and how they are put into its text.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace drawbridge::api {

using Variables = std::map<std::string, Json>;

/// Replaces `${name}` by the value as JSON, `@{name}` by a string's bare text, and `${repeat "text" n}` by n times the
/// text. Error (kNotFound): a variable that was never saved.
Result<std::string> expand(std::string_view text, const Variables& variables);

}  // namespace drawbridge::api
