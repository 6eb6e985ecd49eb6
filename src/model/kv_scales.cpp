#include "model/kv_scales.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>

#include "base/mapped_file.h"
#include "checkpoint/safetensors_writer.h"

namespace drawbridge {
namespace {

constexpr float kE4m3Max = 448;

using Scales = std::map<std::string, float, std::less<>>;

/// `data` is the tensor's bytes.
Result<float> read_scale(const TensorInfo& tensor, std::span<const std::byte> data, const std::string& file) {
  const bool is_one = tensor.shape.empty() || (tensor.shape.size() == 1 && tensor.shape[0] == 1);
  if (tensor.dtype != DType::kF32 || !is_one) {
    return fail(Code::kCorrupt, "{}: {}: wanted F32 [1], found {}", file, tensor.name,
                describe_tensor(Tensor{file, tensor.dtype, tensor.shape, {}}));
  }
  float scale = 0;
  std::memcpy(&scale, data.data(), sizeof scale);
  if (std::isfinite(scale) && scale > 0) return scale;
  return fail(Code::kCorrupt, "{}: {}: wanted a finite scale above 0, found {}", file, tensor.name, scale);
}

Result<Scales> scales_of_checkpoint(const Glm52Config& config, const Checkpoint& checkpoint) {
  Scales scales;
  for (int64_t i = 0; i < config.n_all_layers(); ++i) {
    const std::string name = kv_scale_name(i);
    const Tensor* const tensor = checkpoint.find(name);
    if (tensor == nullptr) continue;
    DB_ASSIGN(scales[name], read_scale({name, tensor->dtype, tensor->shape, 0, 0}, tensor->data, tensor->file));
  }
  return scales;
}

Result<Scales> scales_of_file(const std::string& path) {
  Scales scales;
  if (!std::filesystem::exists(path)) return scales;
  DB_ASSIGN(const MappedFile file, MappedFile::open(path));
  DB_ASSIGN(const auto tensors, parse_safetensors_header(file.bytes(), path));
  for (const TensorInfo& tensor : tensors) {
    DB_ASSIGN(scales[tensor.name],
              read_scale(tensor, file.bytes().subspan(tensor.begin, tensor.end - tensor.begin), path));
  }
  return scales;
}

}  // namespace

std::string kv_scale_name(int64_t layer) {
  return fmt::format("model.layers.{}.self_attn.kv_scale", layer);
}

Result<std::optional<std::vector<float>>> find_kv_scales(const Glm52Config& config, const Checkpoint& checkpoint) {
  const std::string path = fmt::format("{}/{}", checkpoint.directory(), kKvScalesFile);
  DB_ASSIGN(Scales found, scales_of_checkpoint(config, checkpoint));
  DB_ASSIGN(Scales beside, scales_of_file(path));
  if (!found.empty() && !beside.empty()) {
    return fail(Code::kCorrupt, "{}: wanted scales in one place, found {} in the checkpoint too", path,
                found.begin()->first);
  }
  if (found.empty()) found = std::move(beside);
  if (found.empty()) return std::optional<std::vector<float>>();
  std::vector<float> scales;
  for (int64_t i = 0; i < config.n_all_layers(); ++i) {
    const auto place = found.find(kv_scale_name(i));
    if (place == found.end() && i < config.n_layers) {
      return fail(Code::kCorrupt, "{}: {}: wanted as {} is there, found nothing", checkpoint.directory(),
                  kv_scale_name(i), found.begin()->first);
    }
    scales.push_back(place == found.end() ? 1.0f : place->second);
  }
  return std::optional(std::move(scales));
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

Status write_kv_scales(const std::string& directory, const std::vector<KvScaleTensor>& scales) {
  const std::string path = fmt::format("{}/{}", directory, kKvScalesFile), partial = path + ".partial";
  if (std::filesystem::exists(path)) return fail(Code::kAlreadyExists, "{}: exists already; remove it first", path);
  std::vector<TensorSpec> specs;
  for (const KvScaleTensor& scale : scales) specs.push_back({scale.name, DType::kF32, {1}});
  DB_ASSIGN(SafetensorsWriter writer, SafetensorsWriter::create(partial, specs));
  for (const KvScaleTensor& scale : scales) DB_TRY(writer.append(std::as_bytes(std::span(&scale.value, 1))));
  DB_TRY(writer.finish());
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (!error) return Status();
  return fail(Code::kPermissionDenied, "{}: cannot be renamed to {}: {}", partial, path, error.message());
}

}  // namespace drawbridge
