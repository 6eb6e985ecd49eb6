#include "cost/cost_report.h"

#include <algorithm>

namespace drawbridge {
namespace {

std::vector<std::string> assumptions_of(const CostReport& report) {
  std::vector<std::string> out;
  if (!report.arm.run.cached_tokens) {
    out.push_back(
        "the result does not say how much input came from a cache: all of it counts as uncached "
        "(--cache-hit states it)");
  }
  if (!report.arm.run.busy) {
    out.push_back("the result does not say how long the machine worked: it counts as busy from start to end");
  }
  const std::string& verdict = report.arm.run.verdict;
  if (!verdict.empty() && verdict != "pass") {
    out.push_back("the benchmark's own verdict of this load is \"" + verdict + "\"");
  }
  if (!report.power_w)
    out.push_back("the catalogue has no power of " + report.arm.device + ": nothing is said of energy");
  return out;
}

/// From none to nearly all, and the run's own share.
std::vector<double> shares_around(double own) {
  std::vector<double> shares = {0, 0.3, 0.6, 0.8, 0.9, 0.95, own};
  std::sort(shares.begin(), shares.end());
  const auto close = [](double a, double b) { return b - a < 0.005; };
  shares.erase(std::unique(shares.begin(), shares.end(), close), shares.end());
  return shares;
}

}  // namespace

CostReport make_cost_report(const Catalog& catalog, const Arm& arm, const Rental& rental,
                            const Attribution& attribution, double utilization, const ApiPrice* api_price) {
  CostReport report;
  report.arm = arm;
  report.rental = rental;
  report.attribution = attribution;
  report.utilization = utilization;
  if (const auto device = catalog.accelerator(arm.device); device.ok()) report.power_w = (*device)->power_w;
  report.cost = cost_of_run(arm.run, rental, attribution, utilization);
  report.energy = energy_of_run(arm.run, rental, report.power_w);
  if (api_price != nullptr) report.break_even = break_even(arm.run, rental, *api_price);
  report.sensitivity =
      cost_sensitivity(arm.run, rental, attribution, shares_around(arm.run.cached_share()), {1, 0.8, 0.6, 0.4, 0.2});
  report.assumptions = assumptions_of(report);
  return report;
}

}  // namespace drawbridge
