// Test checkpoints with weights drawn from splitmix64 seeded by the tensor's name, exactly as
// tests/reference/model/make_model_golden.py draws them, so that golden files need not hold weights.
#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "model/glm52_tensors.h"

namespace drawbridge {

/// A directory of this process alone: test programs run side by side, and a rewritten file under a mapping is fatal.
inline std::string process_directory(const std::string& name) {
  return fmt::format("{}/drawbridge_{}_{}", std::filesystem::temp_directory_path().string(), name, ::getpid());
}

inline std::vector<float> draw_weights(const std::string& name, const std::vector<int64_t>& shape) {
  uint64_t seed = 0xcbf29ce484222325u;
  for (const char c : name) seed = (seed ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  const bool is_norm = name.find("norm") != std::string::npos;
  const double log_scale = std::log2(std::sqrt(3.0 / static_cast<double>(shape.back()))) + 0.5;
  const auto scale = static_cast<float>(std::exp2(std::nearbyint(log_scale)));
  std::vector<float> values;
  for (int64_t i = 1; i <= count; ++i) {
    uint64_t z = seed + static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    const float unit = static_cast<float>(z >> 40) / 8388608.0f - 1.0f;
    if (is_norm) {
      values.push_back(unit / 8.0f + (name.ends_with("bias") ? 0.0f : 1.0f));
    } else if (name.ends_with("e_score_correction_bias")) {
      values.push_back(7.0f + unit / 8.0f);
    } else {
      values.push_back(unit * scale);
    }
  }
  return values;
}

/// Bytes of `values` as `dtype` (kF32 or kBF16).
inline std::vector<std::byte> encode_values(const std::vector<float>& values, DType dtype) {
  std::vector<std::byte> bytes;
  for (const float value : values) {
    const uint32_t bits = dtype == DType::kF32 ? std::bit_cast<uint32_t>(value) : f32_to_bf16(value);
    for (int i = 0; i < static_cast<int>(dtype_bytes(dtype)); ++i) {
      bytes.push_back(static_cast<std::byte>((bits >> (8 * i)) & 0xff));
    }
  }
  return bytes;
}

/// Writes `directory`/model.safetensors with every tensor of `config`; `rename` maps checkpoint names to stored names.
template <typename Rename>
Status write_random_checkpoint(const Glm52Config& config, const std::string& directory, Rename rename) {
  std::filesystem::create_directories(directory);
  std::vector<TensorSpec> specs;
  const auto tensors = expected_tensors(config);
  for (const ExpectedTensor& tensor : tensors) {
    const bool is_bias = tensor.name.ends_with("e_score_correction_bias");
    specs.push_back({rename(tensor.name), is_bias ? DType::kF32 : config.dtype, tensor.shape});
  }
  DB_ASSIGN(auto writer, SafetensorsWriter::create(directory + "/model.safetensors", specs));
  for (size_t i = 0; i < tensors.size(); ++i) {
    DB_TRY(writer.append(encode_values(draw_weights(tensors[i].name, tensors[i].shape), specs[i].dtype)));
  }
  return writer.finish();
}

}  // namespace drawbridge
