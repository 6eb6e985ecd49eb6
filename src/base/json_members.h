// Members of a JSON object that came from outside, by type; errors name the source, the member, what was wanted and
// what was found.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge {

Status check_object(const Json& json, const std::string& source);
/// The member, which must be there.
Result<const Json*> member(const Json& object, const char* key, const std::string& source);
Result<std::string> string_member(const Json& object, const char* key, const std::string& source);
Result<int64_t> integer_member(const Json& object, const char* key, const std::string& source);
/// An integer of 0 or more.
Result<int64_t> count_member(const Json& object, const char* key, const std::string& source);
Result<double> number_member(const Json& object, const char* key, const std::string& source);
/// A finite number above 0.
Result<double> positive_member(const Json& object, const char* key, const std::string& source);
Result<const Json*> array_member(const Json& object, const char* key, const std::string& source);

}  // namespace drawbridge
