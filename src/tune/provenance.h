#pragma once

#include <string>

namespace drawbridge {

/// "2026-11-24", in UTC.
std::string today();
/// What this machine calls itself.
std::string host_name();

}  // namespace drawbridge
