// Who may call: an API key in `Authorization: Bearer KEY` or `x-api-key: KEY`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace drawbridge {

/// True if the request carries one of the keys, or if there are none. Takes the same time for every wrong key of one
/// length.
bool has_access(const HttpRequest& request, const std::vector<std::string>& keys);

bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace drawbridge
