// `drawbridge calibrate`: runs texts through a model and keeps what quantization needs to know of its activations.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "model/calibration_stats.h"

namespace drawbridge {

struct CalibrateOptions {
  EngineOptions engine;          // max_context: tokens of a window; max_step_tokens: of a chunk
  std::string text;              // file; documents end at <|document|>, or else at blank lines
  std::string target;            // file to write; must not exist
  int64_t max_tokens = 0;        // to read; 0: the whole text
  bool store_kv_scales = false;  // also in the model's directory
};

using CalibrateProgress = std::function<void(int64_t done, int64_t total)>;

/// Runs the text and writes the statistics. Errors: a text that is none (file and byte), a target that exists, whatever
/// keeps the model from loading, values that are not finite (the module).
Result<CalibrationStats> calibrate(const CalibrateOptions& options, const CalibrateProgress& on_progress);

/// What the user must know of them: one line for each layer with experts that no token reached.
std::vector<std::string> calibration_notices(const CalibrationStats& stats);

}  // namespace drawbridge
