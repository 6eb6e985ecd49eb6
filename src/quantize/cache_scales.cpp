#include "quantize/cache_scales.h"

namespace drawbridge {

Result<std::vector<KvScaleTensor>> target_kv_scales(const Glm52Config& config, const std::string& source,
                                                    const std::string& calibration) {
  if (!calibration.empty()) {
    DB_ASSIGN(const CalibrationStats stats, read_calibration_stats(calibration));
    return kv_scale_tensors(config, stats);
  }
  DB_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(source));
  DB_ASSIGN(const auto found, find_kv_scales(config, checkpoint));
  std::vector<KvScaleTensor> scales;
  if (!found) return scales;
  for (size_t i = 0; i < found->size(); ++i) scales.push_back({kv_scale_name(static_cast<int64_t>(i)), (*found)[i]});
  return scales;
}

}  // namespace drawbridge
