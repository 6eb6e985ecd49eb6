// `drawbridge quantize`: a checkpoint in fewer bytes. Streams: memory does not grow with the model. The target appears
// when it is complete and verified; a run that was killed goes on where it was when it is repeated.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "quantize/plan.h"

namespace drawbridge {

/// Stages of a run; after each of them a kill must do no harm.
enum class QuantizeStep : uint8_t {
  kStarted,        // the journal is there
  kShardWritten,   // under a temporary name
  kShardRenamed,   // not yet in the journal
  kShardRecorded,  // in the journal
  kFilesWritten,   // config, index, manifest
  kVerified,       // all that is left is to give it its name
};

struct QuantizeOptions {
  std::string source;  // directory
  std::string target;  // directory to be made
  PlanOptions plan;
  std::string calibration;          // file of CalibrationStats; QuantizeRule::kSearch needs it
  bool allow_uncalibrated = false;  // matrices that it says nothing about are searched with equal weights
  bool allow_nan = false;           // matrices with NaN or infinity are kept as they are stored
  int64_t n_threads = 0;            // 0: one for each CPU
  /// Bytes done of what is being done ("quantizing", "verifying"). Threads: one call at a time.
  std::function<void(const std::string& what, int64_t done, int64_t total)> progress;
  /// Called after each stage; a failure ends the run there. For tests that cut it short.
  std::function<Status(QuantizeStep)> after_step;
};

struct QuantizeReport {
  int64_t source_bytes = 0;
  int64_t target_bytes = 0;
  int64_t n_resumed = 0;  // files that an earlier run had finished
  int64_t n_shards = 0;
  std::vector<std::string> notices;
};

/// Errors: a source that is no model of ours, is incomplete or changes meanwhile, a target that exists or lies inside
/// the source, too little room, NaN, an unfinished target of another plan.
Result<QuantizeReport> quantize(const QuantizeOptions& options);

}  // namespace drawbridge
