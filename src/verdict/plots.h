// The plots of a load report's page, each one Svg.
#pragma once

#include <string>
#include <vector>

#include "verdict/report.h"

namespace drawbridge {

/// Output tokens/s of each point against its arrivals, with intervals.
std::string throughput_chart(const std::vector<JudgedPoint>& points);
/// TTFT p50 and p95 of each point against its arrivals, with intervals and the limit (0: none).
std::string ttft_chart(const std::vector<JudgedPoint>& points, double limit_s);

/// Shares of values up to x; `second` may be empty.
struct CdfSeries {
  std::string label;
  std::vector<double> values;
};
std::string cdf_chart(const std::string& title, const CdfSeries& first, const CdfSeries& second);

std::string ttft_cdf_chart(const LoadRun& run, const SteadyWindow& window);

/// In flight, arrivals/s and output tokens/s over the run; warm-up and drain are shaded.
std::string timeline_chart(const LoadRun& run, const SteadyWindow& window);

}  // namespace drawbridge
