// doctor: what this machine is, which kernels and plans a model would get on it, and what is missing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "bench/machine_info.h"
#include "engine/engine.h"
#include "tuned/coverage.h"

namespace drawbridge {

/// The rows of a table, as far as they matter here.
struct TableHealth {
  int64_t n_rows = 0;           // of this device
  int64_t n_other_devices = 0;  // rows
  int64_t n_foreign_files = 0;  // of other engines
  int64_t n_other_version = 0;  // of this device's rows, by another version of the program
  int64_t n_other_machine = 0;  // by another machine
  std::string oldest, newest;   // dates
};

struct DoctorReport {
  MachineInfo machine;
  std::vector<std::string> usable_isas;
  TunedDevice device;
  // Of the model; empty without one.
  std::string model;
  std::string backend;
  std::string packing;
  std::string table;  // empty: none
  std::vector<std::string> moe_keys;
  std::optional<TableHealth> health;
  std::vector<std::string> cut;  // rows whose plans are beyond these kernels, as DevicePlans tells them
  std::optional<Coverage> coverage;

  /// Products without a measured or imported plan for some number of tokens.
  std::vector<std::string> missing() const;
};

TableHealth table_health(const TunedTable& table, const TunedDevice& device);
/// `engine.model` empty: of the machine alone.
Result<DoctorReport> doctor(const EngineOptions& engine);

/// One screen, lines ended.
std::string doctor_text(const DoctorReport& report);
/// Everything, bucket by bucket.
Json doctor_json(const DoctorReport& report);

}  // namespace drawbridge
