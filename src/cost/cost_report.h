// CostReport: everything that `drawbridge cost` says of one run on one price basis.
#pragma once

#include <vector>

#include "cost/arm.h"
#include "cost/break_even.h"
#include "cost/sensitivity.h"

namespace drawbridge {

struct CostReport {
  Arm arm;
  Rental rental;
  Attribution attribution;
  double utilization = 1;
  std::optional<Figure> power_w;
  RunCost cost;
  std::optional<EnergyUse> energy;  // absent where nobody published the power
  std::optional<BreakEven> break_even;
  Sensitivity sensitivity;
  std::vector<std::string> assumptions;  // what the result does not say and was taken instead
};

/// `api_price` may be null: no break-even. `arm` and `utilization` have been checked.
CostReport make_cost_report(const Catalog& catalog, const Arm& arm, const Rental& rental,
                            const Attribution& attribution, double utilization, const ApiPrice* api_price);

std::string cost_text(const CostReport& report);
Json cost_json(const CostReport& report);

}  // namespace drawbridge
