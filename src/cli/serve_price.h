// What the server's machine is paid: the user's own price, or the catalogue's of some accelerators.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "server/live_cost.h"

namespace drawbridge {

struct ServePrice {
  std::optional<double> per_hour;
  std::string date;
  std::string basis;
  std::string device;
  int64_t n_accelerators = 1;
  std::string catalog;
};

void add_machine_price_options(CLI::App& verb, ServePrice& price);

/// Nothing if no price was stated; an error for half of one, or for two.
Result<std::optional<MachinePrice>> machine_price(const ServePrice& price);

}  // namespace drawbridge
