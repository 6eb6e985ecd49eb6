// The verbs below `drawbridge eval` that need no running system: one file each, as in verbs.h.
#pragma once

#include "cli/verbs.h"

namespace drawbridge {

void add_eval_compare(CLI::App& eval, Action& action);
void add_eval_distance(CLI::App& eval, Action& action);
void add_eval_article(CLI::App& eval, Action& action);

}  // namespace drawbridge
