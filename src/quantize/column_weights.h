// ColumnWeights: how much an error in each column of a matrix matters, by the inputs that calibration saw there.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "quantize/plan.h"

namespace drawbridge {

class ColumnWeights {
 public:
  /// Mean squares of the inputs of every matrix that `plan` searches exponents for, from the file `calibration`.
  /// Errors: no such file, or a matrix that it says nothing about, by name; with `allow_uncalibrated` such a matrix
  /// gets equal weights and a notice.
  static Result<ColumnWeights> load(const QuantizePlan& plan, const std::string& calibration, bool allow_uncalibrated,
                                    std::vector<std::string>& notices);

  /// [K] of `module`, a matrix of the plan.
  std::span<const float> of(const std::string& module) const { return weights_.at(module); }

 private:
  std::map<std::string, std::vector<float>> weights_;
};

}  // namespace drawbridge
