// One point of a sweep.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string>

namespace drawbridge {

struct SweepPoint {
  double rate_rps = 0;      // open loop; infinity: all at once; 0: closed loop, or a trace at its own times
  int64_t concurrency = 0;  // closed loop: clients; open loop: bound, 0: none

  bool is_closed() const { return rate_rps == 0 && concurrency > 0; }
  /// For file names and tables: "rps-2", "concurrency-16", "trace".
  std::string name() const {
    if (is_closed()) return fmt::format("concurrency-{}", concurrency);
    return rate_rps > 0 ? fmt::format("rps-{:g}", rate_rps) : "trace";
  }
};

}  // namespace drawbridge
