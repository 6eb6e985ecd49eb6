// The verbs below `drawbridge cost`: one file each, as in verbs.h.
#pragma once

#include "cli/verbs.h"
#include "cost/catalog.h"

namespace drawbridge {

void add_cost_compare(CLI::App& cost, Action& action);
void add_cost_catalog(CLI::App& cost, Action& action);

/// The bundled catalogue, with the user's files of `directory` over it if there is one.
Result<Catalog> load_catalog(const std::string& directory);

}  // namespace drawbridge
