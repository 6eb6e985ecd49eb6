// The verbs below `drawbridge bench` that have a file of their own, as in verbs.h.
#pragma once

#include "cli/verbs.h"

namespace drawbridge {

void add_bench_serve(CLI::App& bench, Action& action);
void add_bench_compare(CLI::App& bench, Action& action);
void add_bench_article(CLI::App& bench, Action& action);

}  // namespace drawbridge
