#include "synth/stored_plan.h"

#include <algorithm>
#include <map>

#include "base/checked_math.h"
#include "tensor/matrix.h"

namespace drawbridge {
namespace {

DrawKind plain_kind(const ExpectedTensor& tensor) {
  if (tensor.shape.size() == 2) return DrawKind::kMatrix;
  if (tensor.name.ends_with("e_score_correction_bias")) return DrawKind::kRouterBias;
  return tensor.name.ends_with(".bias") ? DrawKind::kNormBias : DrawKind::kNormWeight;
}

bool is_scale(const PlannedTensor& tensor) {
  return tensor.kind == DrawKind::kFp8Scales || tensor.kind == DrawKind::kMxfp4Scales;
}

}  // namespace

std::vector<PlannedTensor> plan_tensors(const Glm52Config& config, SynthDType dtype) {
  std::vector<PlannedTensor> plan;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    const int64_t n = tensor.shape[0], k = tensor.shape.back();
    if (tensor.quantizable && dtype == SynthDType::kFp8) {
      plan.push_back({{tensor.name, DType::kF8E4M3, {n, k}}, DrawKind::kFp8Codes, k});
      const std::vector<int64_t> blocks = {ceil_div(n, kFp8BlockEdge), ceil_div(k, kFp8BlockEdge)};
      plan.push_back({{tensor.name + "_scale_inv", DType::kF32, blocks}, DrawKind::kFp8Scales, k});
    } else if (tensor.quantizable && dtype == SynthDType::kMxfp4 && k % kMxfp4Block == 0) {
      plan.push_back({{tensor.name, DType::kU8, {n, k / 2}}, DrawKind::kMxfp4Codes, k});
      plan.push_back({{tensor.name + "_scale", DType::kU8, {n, k / kMxfp4Block}}, DrawKind::kMxfp4Scales, k});
    } else {
      const DrawKind kind = plain_kind(tensor);
      const DType stored = kind == DrawKind::kRouterBias ? DType::kF32 : DType::kBF16;
      plan.push_back({{tensor.name, stored, tensor.shape}, kind, k});
    }
  }
  return plan;
}

std::vector<std::vector<PlannedTensor>> plan_shards(const std::vector<PlannedTensor>& tensors, int64_t shard_bytes) {
  std::vector<std::vector<PlannedTensor>> shards;
  int64_t used = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const bool has_scale = i + 1 < tensors.size() && is_scale(tensors[i + 1]);
    const int64_t bytes = tensors[i].spec.bytes() + (has_scale ? tensors[i + 1].spec.bytes() : 0);
    const bool starts_shard = shards.empty() || (used + bytes > shard_bytes && !is_scale(tensors[i]));
    if (starts_shard) {
      shards.emplace_back();
      used = 0;
    }
    shards.back().push_back(tensors[i]);
    used += tensors[i].spec.bytes();
  }
  for (auto& shard : shards) {
    std::stable_sort(shard.begin(), shard.end(), [](const PlannedTensor& a, const PlannedTensor& b) {
      return dtype_bytes(a.spec.dtype) > dtype_bytes(b.spec.dtype);
    });
  }
  return shards;
}

std::vector<StoredModule> stored_modules(const std::vector<PlannedTensor>& tensors) {
  const std::map<DrawKind, WeightFormat> formats = {{DrawKind::kMatrix, WeightFormat::kBF16},
                                                    {DrawKind::kFp8Codes, WeightFormat::kFp8Block},
                                                    {DrawKind::kMxfp4Codes, WeightFormat::kMxfp4}};
  constexpr std::string_view kSuffix = ".weight";
  std::vector<StoredModule> modules;
  for (const PlannedTensor& tensor : tensors) {
    const auto format = formats.find(tensor.kind);
    if (format == formats.end()) continue;
    modules.push_back({tensor.spec.name.substr(0, tensor.spec.name.size() - kSuffix.size()), format->second});
  }
  return modules;
}

}  // namespace drawbridge
