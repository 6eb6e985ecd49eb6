// `drawbridge bench serve`: load against a server, and what it says about it.
#pragma once

#include "cli/verbs.h"

namespace drawbridge {

void add_bench_serve(CLI::App& bench, Action& action);

}  // namespace drawbridge
