// The stretch of a run that figures are taken from: behind warm-up, before the drain.
//
// Warm-up ends where the system has filled, one mean answer after the first arrival, and not before the change point,
// if there is one in the first half: of the requests in flight or of the time to the first token, whichever comes
// later. The drain begins with the last arrival: behind it the load is no longer the one that was asked for.
#pragma once

#include <cstdint>
#include <optional>

#include "load/load_run.h"

namespace drawbridge {

struct SteadyWindow {
  double begin_s = 0;
  double end_s = 0;
  double fill_s = 0;               // when the system had filled
  std::optional<double> change_s;  // the change point behind it
  int64_t n_warmup = 0;            // measured requests due before begin_s
  int64_t n_steady = 0;            // due in [begin_s, end_s]
  double drain_s = 0;              // from the last arrival to the last answer

  double length_s() const { return end_s - begin_s; }
  bool holds(double time_s) const { return time_s >= begin_s && time_s <= end_s; }
};

SteadyWindow steady_window(const LoadRun& run, uint64_t seed);

}  // namespace drawbridge
