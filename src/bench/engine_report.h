// What `bench engine` writes: llama-bench's table, or its keys as CSV and JSON, with what belongs to this program
// beside.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "backend/cpu_device.h"
#include "base/json.h"
#include "bench/engine_speed.h"
#include "bench/manifest.h"

namespace drawbridge {

struct EngineSpeedReport {
  ModelCard card;
  std::vector<SpeedRow> rows;
  ReadFloor floor;
  int64_t n_threads = 1;
  Json manifest;
};

/// md, csv, json or jsonl; any other is an error.
Status check_engine_output(const std::string& output);
/// All that decides what is measured, for the manifest.
Json engine_options_json(const BenchEngineOptions& options);
/// One test with llama-bench's keys, samples included.
Json speed_row_json(const EngineSpeedReport& report, const SpeedRow& row, const BenchEngineOptions& options);
void print_engine_report(const EngineSpeedReport& report, const BenchEngineOptions& options, std::ostream& out);

}  // namespace drawbridge
