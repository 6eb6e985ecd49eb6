// The order and the times of a run, from its records.
#pragma once

#include <vector>

#include "load/load_run.h"

namespace drawbridge {

void sort_by_index(std::vector<RequestRecord>& requests);
/// Sets duration_s and arrivals_end_s from the requests that are no warm-up.
void measure_span(LoadRun& run);

}  // namespace drawbridge
