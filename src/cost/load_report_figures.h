// BenchFigures of a result of `drawbridge bench serve`: rates and lengths of a point's steady window, not of the whole
// run, whose beginning and end do not count for what the machine sustains.
#pragma once

#include "cost/bench_figures.h"

namespace drawbridge {

/// Whether the text is such a result.
bool is_load_report(const Json& json);

/// `point` from 1; 0: the only one, or the load that the report found sustained.
Result<BenchFigures> read_load_report(const Json& json, const std::string& source, int64_t point);

}  // namespace drawbridge
