#include "quantize/column_weights.h"

#include <algorithm>

#include "model/calibration_stats.h"
#include "model/inventory.h"

namespace drawbridge {

Result<ColumnWeights> ColumnWeights::load(const QuantizePlan& plan, const std::string& calibration,
                                          bool allow_uncalibrated, std::vector<std::string>& notices) {
  if (calibration.empty()) {
    return fail(Code::kInvalidArgument,
                "--scale-rule search: wanted --calibration FILE, as `drawbridge calibrate` makes it");
  }
  DB_ASSIGN(CalibrationStats stats, read_calibration_stats(calibration));
  ColumnWeights columns;
  std::vector<std::string> uncalibrated;
  for (const Conversion& conversion : plan.conversions) {
    if (conversion.format != TargetFormat::kMxfp4) continue;
    const SourceTensor& source = conversion.source;
    const auto found = stats.input_mean_square.find(source.module());
    if (found == stats.input_mean_square.end()) {
      uncalibrated.push_back(source.name);
      columns.weights_[source.module()].assign(static_cast<size_t>(source.k), 1.0f);
      continue;
    }
    if (static_cast<int64_t>(found->second.size()) != source.k) {
      return fail(Code::kCorrupt, "{}: {}: wanted {} columns, found {}: was another model calibrated?", calibration,
                  source.module(), source.k, found->second.size());
    }
    columns.weights_[source.module()] = std::move(found->second);
  }
  if (!uncalibrated.empty() && !allow_uncalibrated) {
    return fail(Code::kNotFound,
                "{}: says nothing about {} and {} more; --allow-uncalibrated searches them with equal weights",
                calibration, uncalibrated[0], uncalibrated.size() - 1);
  }
  for (const std::string& line : group_names(uncalibrated)) {
    notices.push_back(line + ": not calibrated, searched with equal weights");
  }
  return columns;
}

}  // namespace drawbridge
