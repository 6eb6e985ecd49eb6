// What type a tool argument has. The model writes every value as bare text between tags; the tool's JSON schema, or
// failing that the text itself, says which JSON value it stands for. A text that is no JSON stays a string.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace drawbridge {

/// The schema of parameter `key` of the function `name` in OpenAI `tools`, or null.
const Json& argument_schema(const Json& tools, const std::string& name, const std::string& key);

/// Declared as just a string: the raw text is the value, even if it looks like JSON.
bool is_string_schema(const Json& schema);

/// JSON text of the value that `raw` stands for: JSON, then JSON after unescaping, then a Python literal, else a
/// string.
std::string typed_value_json(std::string_view raw, const Json& schema);

}  // namespace drawbridge
