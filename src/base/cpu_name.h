#pragma once

#include <string>

namespace drawbridge {

/// The first CPU's model name as the system tells it; "unknown" where it does not.
std::string cpu_name();

}  // namespace drawbridge
