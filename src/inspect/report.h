// An inspection as text for a terminal, and as one JSON object for programs.
#pragma once

#include <string>

#include "base/json.h"
#include "inspect/inspection.h"

namespace drawbridge {

std::string inspection_text(const Inspection& found);
/// Exact numbers; every list in full.
Json inspection_json(const Inspection& found);

}  // namespace drawbridge
