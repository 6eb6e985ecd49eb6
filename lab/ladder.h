// Ladder: versions of one kernel side by side, from the plain loop that defines the result to the fastest.
//
// A new kernel starts here; only the winner moves to src/, with its figures in the commit message. Every version is
// checked against the first before any is timed. Then all are timed in turn, many short samples each, together with
// what this machine can do at most: a disturbance spoils one sample of each instead of all of one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace drawbridge::lab {

/// `run` does the work once. `turn` counts up: a version whose inputs come from memory takes set turn % n of n sets
/// that outgrow the caches together.
struct Version {
  std::string name;
  std::function<void(int64_t turn)> run;
};

struct Ladder {
  std::string name;
  /// What bounds it: "f32 FMA", "bf16 dot" or "int8 dot" for arithmetic, "memory read" for bytes that come from memory,
  /// "cache read" for those that stay in a cache.
  std::string limit;
  double work = 0;                // of one run: operations (a multiply and an add are two), or bytes read and written
  int64_t cached_bytes = 0;       // "cache read": what a run touches; the limit is the rate of reading as much again
  std::vector<Version> versions;  // first the plain reference
  /// What the last run made of turn 0, as numbers; must also spoil it, so that a version that writes nothing is caught.
  std::function<std::vector<float>()> take_result;
  /// Largest |difference| of any number from the reference's, over the reference's largest |number|. 0: the same bits.
  double tolerance = 0;
};

struct LadderOptions {
  int n_rounds = 30;
  double sample_s = 2e-3;
};

/// Checks, times on one thread and prints a table. False where a version is wrong: it is said, and not timed.
bool climb(const Ladder& ladder, const LadderOptions& options = {});

}  // namespace drawbridge::lab
