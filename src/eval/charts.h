// The plots of a report page, each one Svg.
#pragma once

#include <string>
#include <vector>

#include "eval/distribution_report.h"
#include "stats/interval.h"

namespace drawbridge {

/// A bar for each system, with an interval of two standard errors.
struct ScoreBar {
  std::string label;
  double value = 0;  // share
  double standard_error = 0;
  bool is_candidate = false;
};
std::string score_chart(const std::vector<ScoreBar>& bars);

/// A difference with its interval; the margin is drawn as a line at -margin.
struct DifferenceRow {
  std::string label;
  double difference = 0;
  Interval interval;
};
std::string difference_chart(const std::vector<DifferenceRow>& rows, double margin);

std::string histogram_chart(const KlHistogram& histogram);

/// Share of equal sets and Jaccard index of each layer.
std::string agreement_chart(const std::string& title, const std::vector<LayerAgreement>& layers);

/// Share found at each length (columns) and depth (rows).
struct HeatCell {
  int64_t length = 0;
  int64_t depth_percent = 0;
  double score = 0;  // sum
  int64_t n = 0;
};
std::string heat_map(const std::string& title, const std::vector<HeatCell>& cells);

}  // namespace drawbridge
