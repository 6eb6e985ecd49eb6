// Where a step's time goes, op by op, beside the least time that the machine needs for it.
#pragma once

#include <ostream>
#include <string>

#include "backend/trace_backend.h"
#include "base/json.h"
#include "bench/machine.h"

namespace drawbridge {

struct Profile {
  std::string test;  // "tg128"
  OpTrace trace;     // of one round of it
};

/// A table of ops, longest first: what they take of a step and how near they come to the limits; then barriers.
void print_profile(const Profile& profile, const MachineLimits& limits, std::ostream& out);
/// All of it, in figures of one step.
Json profile_json(const Profile& profile, const MachineLimits& limits);

/// {"read_gb_per_s": ..., "f32_gflop_per_s": ..., "bf16_gflop_per_s": ..., "int8_gop_per_s": ...}
Json limits_json(const MachineLimits& limits);
/// "memory is read at 33.4 GB/s; peaks: f32 224.0, bf16 455.1 GFLOP/s, int8 914.3 GOP/s"
std::string limits_text(const MachineLimits& limits);

}  // namespace drawbridge
