// CalibrationStats: what calibration texts made the model compute, for whoever chooses scales: the mean square of every
// matrix's input columns, and the largest values that went into the caches. Written by calibrate, read by quantize.
// File: safetensors, see docs/formats.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace drawbridge {

struct CalibrationStats {
  std::map<std::string, std::vector<float>> input_mean_square;  // module -> [K] mean of x^2 per input column
  std::map<std::string, int64_t> n_rows;                        // module -> rows that the mean is over
  std::map<int, float> latent_amax;                             // layer -> largest |latent or rope key|
  std::map<int, float> index_amax;                              // full layer -> largest |index key|
  int64_t n_tokens = 0;                                         // of the calibration texts

  /// An expert that no token reached: its mean is that of its layer's other experts.
  bool is_fallback(const std::string& module) const;
};

/// Writes the file whole or not at all: to `path`.partial first, then renamed.
Status write_calibration_stats(const CalibrationStats& stats, const std::string& path);

/// Errors name file and tensor: a name or shape that the format does not have, a value that is negative or not finite,
/// a mean without a row count, no tokens.
Result<CalibrationStats> read_calibration_stats(const std::string& path);

}  // namespace drawbridge
