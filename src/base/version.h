#pragma once

namespace drawbridge {

/// Of this program, as CMakeLists.txt says.
const char* version();

}  // namespace drawbridge
