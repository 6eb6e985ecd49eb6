#include "model/kv_scales.h"

#include <cmath>
#include <cstring>

namespace drawbridge {
namespace {

constexpr float kE4m3Max = 448;

Result<float> read_scale(const Tensor& tensor, const std::string& name) {
  const bool is_one = tensor.shape.empty() || (tensor.shape.size() == 1 && tensor.shape[0] == 1);
  if (tensor.dtype != DType::kF32 || !is_one) {
    return fail(Code::kCorrupt, "{}: {}: wanted F32 [1], found {}", tensor.file, name, describe_tensor(tensor));
  }
  float scale = 0;
  std::memcpy(&scale, tensor.data.data(), sizeof scale);
  if (std::isfinite(scale) && scale > 0) return scale;
  return fail(Code::kCorrupt, "{}: {}: wanted a finite scale above 0, found {}", tensor.file, name, scale);
}

}  // namespace

std::string kv_scale_name(int64_t layer) {
  return fmt::format("model.layers.{}.self_attn.kv_scale", layer);
}

Result<std::optional<std::vector<float>>> find_kv_scales(const Glm52Config& config, const Checkpoint& checkpoint) {
  std::vector<float> scales;
  std::string missing;
  int64_t n_found = 0;
  for (int64_t i = 0; i < config.n_all_layers(); ++i) {
    const std::string name = kv_scale_name(i);
    const Tensor* const tensor = checkpoint.find(name);
    scales.push_back(1);
    if (tensor != nullptr) {
      ++n_found;
      DB_ASSIGN(scales.back(), read_scale(*tensor, name));
    } else if (missing.empty() && i < config.n_layers) {
      missing = name;
    }
  }
  if (n_found == 0) return std::optional<std::vector<float>>();
  if (missing.empty()) return std::optional(std::move(scales));
  return fail(Code::kCorrupt, "{}: {}: wanted as {} other layers have one, found nothing", checkpoint.directory(),
              missing, n_found);
}

Result<std::vector<KvScaleTensor>> kv_scale_tensors(const Glm52Config& config, const CalibrationStats& stats) {
  std::vector<KvScaleTensor> tensors;
  for (int64_t i = 0; i < config.n_all_layers(); ++i) {
    const auto place = stats.latent_amax.find(static_cast<int>(i));
    if (place != stats.latent_amax.end()) {
      // A layer whose latents are all but zero still needs a scale that is not.
      const float scale = place->second / kE4m3Max;
      tensors.push_back({kv_scale_name(i), std::isnormal(scale) ? scale : 1.0f});
    } else if (i < config.n_layers) {
      return fail(Code::kInvalidArgument,
                  "calibration statistics: latent_amax.{}: wanted for each of {} layers, found nothing: they are of "
                  "another model",
                  i, config.n_layers);
    }
  }
  return tensors;
}

}  // namespace drawbridge
