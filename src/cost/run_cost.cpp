#include "cost/run_cost.h"

namespace drawbridge {
namespace {

constexpr double kSecondsPerHour = 3600;

BasisCost divide(double dollars, const BenchFigures& run, const Attribution& attribution) {
  return {dollars, dollars / run.n_requests, 1e6 * dollars / run.output_tokens,
          1e6 * dollars / (run.input_tokens + run.output_tokens),
          divide_dollars(dollars, run.tokens(), attribution.weights)};
}

}  // namespace

Status check_utilization(double utilization) {
  if (utilization > 0 && utilization <= 1) return {};
  return fail(Code::kInvalidArgument, "--utilization: wanted a share above 0 and at most 1, found {}", utilization);
}

RunCost cost_of_run(const BenchFigures& run, const Rental& rental, const Attribution& attribution, double utilization) {
  const double per_second = rental.total_per_hour() / kSecondsPerHour;
  const double busy_s = run.busy ? run.busy->total() : run.duration_s;
  RunCost cost;
  cost.busy = divide(per_second * busy_s, run, attribution);
  cost.reserved = divide(per_second * run.duration_s / utilization, run, attribution);
  return cost;
}

std::optional<EnergyUse> energy_of_run(const BenchFigures& run, const Rental& rental,
                                       const std::optional<Figure>& power_w) {
  if (!power_w) return std::nullopt;
  EnergyUse use;
  use.kilowatts = power_w->value * static_cast<double>(rental.n_accelerators()) / 1000;
  use.requests_per_kilojoule = run.requests_per_second() / use.kilowatts;
  use.output_per_kilojoule = run.output_per_second() / use.kilowatts;
  use.dollars_per_kilojoule = rental.total_per_hour() / kSecondsPerHour / use.kilowatts;
  return use;
}

}  // namespace drawbridge
