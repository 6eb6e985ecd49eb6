// Two runs beside each other on every price basis that has a price of both devices.
#pragma once

#include <vector>

#include "cost/arm.h"

namespace drawbridge {

struct ComparedBasis {
  std::string basis;
  std::string title;
  Figure price_a, price_b;                      // dollars an hour of one accelerator
  double per_request_a = 0, per_request_b = 0;  // dollars
  double per_million_output_a = 0, per_million_output_b = 0;
  double by_request = 0;  // how many times dearer B's request is
  double by_output = 0;   // the same of output tokens: another number where the answers' lengths differ
};

struct CostComparison {
  Arm a, b;
  std::vector<ComparedBasis> bases;
  std::vector<std::string> left_out;  // bases without a price of one of the devices
  std::optional<EnergyUse> energy_a, energy_b;
  bool same_workload = true;  // mean lengths and cached shares within 5 %
};

/// kInvalidArgument for mixed hardware (arm.h) and where no basis has both prices.
Result<CostComparison> compare_arms(const Catalog& catalog, const Arm& a, const Arm& b, bool allow_mixed);

std::string cost_comparison_text(const CostComparison& comparison);
Json cost_comparison_json(const CostComparison& comparison);

}  // namespace drawbridge
