// `drawbridge bench machine`: what this machine can do at most, as the measure of every speed: memory bandwidth and
// arithmetic peaks, with one thread and with all.
//
// Rounds visit every test in turn, so that a disturbance spoils one sample of each and not all of one. Memory is read
// from a buffer much larger than the caches, in huge pages where the system gives them.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "backend/op_cost.h"
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

/// What bounds an op: bytes over the one, operations over the other.
struct MachineLimits {
  Spread read_gb_per_s;
  /// By Arithmetic: of the widest instructions of this CPU for these numbers, f32's where it has none.
  std::array<Spread, kArithmetics> peak_g_per_s;

  /// The least time that this work takes.
  double seconds(int64_t bytes, const std::array<int64_t, kArithmetics>& operations) const;
};

/// With `n_threads` threads; 0: one for each CPU.
Result<MachineLimits> measure_limits(const MachineOptions& options, int64_t n_threads);
/// Of what was measured before and after something.
MachineLimits limits_around(const MachineLimits& before, const MachineLimits& after);

/// Measures, prints a table (or one JSON object) to `out`.
Status run_bench_machine(const MachineOptions& options, std::ostream& out);

}  // namespace drawbridge
