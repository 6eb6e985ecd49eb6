// What `drawbridge prove` prints.
#pragma once

#include <string>

#include "base/json.h"
#include "prove/proof.h"

namespace drawbridge {

const char* finding_name(Finding finding);

/// A table with a line for each variant, and the finding.
std::string proof_text(const Proof& proof);
Json proof_json(const Proof& proof);

}  // namespace drawbridge
