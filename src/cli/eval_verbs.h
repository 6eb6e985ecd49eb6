// The verbs below `drawbridge eval`: one file each, as in verbs.h.
#pragma once

#include "cli/verbs.h"

namespace drawbridge {

void add_eval_run(CLI::App& eval, Action& action);
void add_eval_compare(CLI::App& eval, Action& action);
void add_eval_distance(CLI::App& eval, Action& action);
void add_eval_tau2(CLI::App& eval, Action& action);
void add_eval_article(CLI::App& eval, Action& action);

}  // namespace drawbridge
