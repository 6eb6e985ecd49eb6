// What the running server's tokens cost, if it was told what its machine is paid for an hour. Two bases: busy counts
// the seconds of its steps, reserved all seconds since its start. The dollars are divided by the steps' seconds
// (cost/rates.h).
#pragma once

#include <optional>
#include <string>

#include "cost/rates.h"
#include "engine/engine.h"

namespace drawbridge {

struct MachinePrice {
  std::string basis;        // "own", or one of the catalogue
  Figure dollars_per_hour;  // of the whole machine
};

/// Dollars for seconds of the machine.
double machine_dollars(const MachinePrice& price, double seconds);

struct LiveRates {
  Rates busy;
  Rates reserved;
};

/// No rates until both input and output have been worked on.
LiveRates live_rates(const MachinePrice& price, const EngineStats& stats, double uptime_s);

}  // namespace drawbridge
