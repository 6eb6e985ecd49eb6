// printable: text from outside as a terminal may show it.
#pragma once

#include <string>
#include <string_view>

namespace drawbridge {

/// Control characters, those of UTF-8's C1 range too, become blanks: none moves the cursor or starts an escape.
std::string printable(std::string_view text);

}  // namespace drawbridge
