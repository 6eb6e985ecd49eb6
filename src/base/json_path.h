// Look-ups along a path of members, in JSON from outside whose shape is not known.
#pragma once

#include <initializer_list>
#include <string>

#include "base/json.h"

namespace drawbridge {

/// The value at a path of members ("0" is an array's first element); null where a part is missing or of another kind.
/// nlohmann's own look-up by pointer throws on an array that is asked for a name.
Json value_at(const Json& json, std::initializer_list<const char*> path);
/// The same, for a text: empty where there is none.
std::string text_at(const Json& json, std::initializer_list<const char*> path);

}  // namespace drawbridge
