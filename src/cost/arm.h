// Arm: one side of a comparison, a run and the accelerators that it ran on.
#pragma once

#include "cost/run_cost.h"

namespace drawbridge {

struct Arm {
  BenchFigures run;
  std::string device;     // whose throughput it is
  std::string priced_as;  // whose price is taken; another than `device` only if that was asked for
  int64_t n_nodes = 1;
  int64_t n_per_node = 8;
};

/// Refuses a result that names another device than `device`, and a price of another device, unless `allow_mixed`.
Status check_device(const Arm& arm, bool allow_mixed);

}  // namespace drawbridge
