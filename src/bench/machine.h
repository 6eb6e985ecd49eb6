// `drawbridge bench machine`: what this machine can do at most, as the measure of every speed: memory bandwidth and
// arithmetic peaks, with one thread and with all.
//
// Rounds visit every test in turn, so that a disturbance spoils one sample of each and not all of one. Memory is read
// from a buffer much larger than the caches, in huge pages where the system gives them.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/machine_info.h"
#include "bench/samples.h"

namespace drawbridge {

struct MachineOptions {
  int n_rounds = 5;
  int64_t buffer_bytes = 0;  // of each of three arrays; 0: eight times the last-level cache, at least 256 MiB
  double sample_s = 0.1;     // length of one sample
  bool json = false;
};

struct MachineRow {
  std::string test;  // "memory read", "f32 FMA"
  std::string isa;
  std::string unit;  // "GB/s", "GFLOP/s", "GOP/s"
  int64_t n_threads = 1;
  Spread rate;
  Spread cpu_share;  // of the threads' time, 0..1; below 1 other programs disturbed the sample
};

struct MachineReport {
  MachineInfo info;
  int64_t buffer_bytes = 0;
  int n_rounds = 0;
  std::vector<MachineRow> rows;
};

/// Errors: a wrong option, no memory for the buffers.
Result<MachineReport> measure_machine(const MachineOptions& options);

/// GB/s at which all threads together read memory: the least time that weights cost is their bytes over this.
Result<Spread> measure_read_bandwidth(const MachineOptions& options);

/// Measures, prints a table (or one JSON object) to `out`.
Status run_bench_machine(const MachineOptions& options, std::ostream& out);

}  // namespace drawbridge
