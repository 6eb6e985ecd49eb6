// compare_measurements: what a second measurement changed against a first, as ratios with intervals at 95 %.
//
// Load reports are compared point by point from the samples they carry: each side is resampled in blocks by itself. Of
// two results of `bench engine` only the range is known, which is wider than any interval. Measurements of different
// workloads are not compared at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "stats/interval.h"

namespace drawbridge {

struct RatioRow {
  std::string load;                           // "2.4 requests/s"; a test's name for engines
  std::string figure;                         // "output tok/s", "TTFT p95, s", ...
  bool is_rate = false;                       // more is better
  std::optional<double> baseline, candidate;  // absent: refused by its sample
  std::optional<double> ratio;                // candidate over baseline
  std::optional<Interval> interval;
};
/// "better", "worse", "not shown".
const char* ratio_verdict(const RatioRow& row);

struct MeasurementComparison {
  bool has_intervals = true;  // false: ranges of rounds
  std::vector<RatioRow> rows;
  std::vector<std::string> notes;  // what differs besides, by member, and points of one side only
};

/// Both of one kind; `name_*` start errors. Errors: workloads that differ, by member; no point in common.
Result<MeasurementComparison> compare_measurements(const Json& baseline, const std::string& name_baseline,
                                                   const Json& candidate, const std::string& name_candidate,
                                                   uint64_t seed);

std::string comparison_text(const MeasurementComparison& comparison);
Json comparison_json(const MeasurementComparison& comparison);

}  // namespace drawbridge
