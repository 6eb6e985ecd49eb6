// What a measured run cost, on two bases:
//   busy      only the hours in which the machine worked are counted
//   reserved  the machine is paid all the time, at work or not
// A benchmark without the server's own account is taken as busy from its start to its end.
#pragma once

#include "cost/bench_figures.h"

namespace drawbridge {

/// What is paid for, and how much.
struct Rental {
  std::string device;
  int64_t n_nodes = 1;
  int64_t n_per_node = 8;
  std::string basis;        // name of the price basis; "own": the user's
  Figure dollars_per_hour;  // of one accelerator

  int64_t n_accelerators() const { return n_nodes * n_per_node; }
  double total_per_hour() const { return dollars_per_hour.value * static_cast<double>(n_accelerators()); }
};

struct BasisCost {
  double dollars = 0;
  double per_request = 0;
  double per_million_output = 0;  // with all dollars on output tokens, as is often quoted
  double per_million_any = 0;     // with all tokens alike
  Rates per_million;              // divided by the rule
};

/// By the boards' designed power, hosts and cooling left out.
struct EnergyUse {
  double kilowatts = 0;
  double requests_per_kilojoule = 0;
  double output_per_kilojoule = 0;
  double dollars_per_kilojoule = 0;  // of the rental, while the boards draw that
};

struct RunCost {
  BasisCost busy;
  BasisCost reserved;
};

/// `utilization` is the share of the paid hours in which the machine carries this load; (0, 1].
Status check_utilization(double utilization);
RunCost cost_of_run(const BenchFigures& run, const Rental& rental, const Attribution& attribution, double utilization);
std::optional<EnergyUse> energy_of_run(const BenchFigures& run, const Rental& rental,
                                       const std::optional<Figure>& power_w);

}  // namespace drawbridge
