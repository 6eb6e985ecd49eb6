// For tests: small HuggingFace directories in every format that converts, with glm52-nano's tokenizer.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/mapped_file.h"
#include "base/rng.h"
#include "checkpoint/sharded_writer.h"
#include "model/kv_scales.h"
#include "model/random_checkpoint_test.h"
#include "tensor/matrix.h"

namespace drawbridge {

struct SourceModel {
  WeightFormat format = WeightFormat::kBF16;  // of the matrices that exporters quantize; the others are bf16
  bool fused_experts = false;
  bool mtp_as_decoder = false;  // model.decoder.* and model.*
  int64_t shard_bytes = 1 << 30;
  bool kv_scales = false;
};

/// Widths are multiples of 32, but for nothing larger; five rows of the embedding have no token.
inline Json source_config() {
  const std::string path = std::string(DB_SOURCE_DIR) + "/tests/golden/model/mtp/config.json";
  Json json = parse_json(read_text_file(path, 1 << 20).value(), path).value();
  const std::map<std::string, int> sizes = {
      {"q_lora_rank", 64},       {"kv_lora_rank", 64},       {"qk_nope_head_dim", 32}, {"qk_rope_head_dim", 32},
      {"v_head_dim", 32},        {"num_attention_heads", 2}, {"n_routed_experts", 4},  {"index_head_dim", 32},
      {"index_n_heads", 2},      {"vocab_size", 4101},       {"qk_head_dim", 64},      {"head_dim", 32},
      {"num_key_value_heads", 2}};
  for (const auto& [key, value] : sizes) json[key] = value;
  json["dtype"] = "bfloat16";
  json["eos_token_id"] = {4060u, 4067u, 4069u};
  return json;
}

inline std::string nano_directory() {
  return std::string(DB_SOURCE_DIR) + "/models/glm52-nano";
}

struct StoredTensor {
  TensorSpec spec;
  std::vector<std::byte> data;
};

/// Random bytes whose upper half bits are clear where `mask` says so.
inline std::vector<std::byte> random_bytes(const std::string& name, int64_t count, uint8_t mask = 0xff) {
  std::vector<std::byte> bytes;
  const uint64_t seed = std::hash<std::string>()(name);
  for (int64_t i = 0; i < count; ++i) {
    bytes.push_back(static_cast<std::byte>(mix64(seed + static_cast<uint64_t>(i)) & mask));
  }
  return bytes;
}

inline std::vector<std::byte> f16_bytes(const std::vector<float>& values) {
  std::vector<std::byte> bytes;
  for (const float value : values) {
    const uint16_t bits = f32_to_f16(value);
    bytes.push_back(static_cast<std::byte>(bits & 0xff));
    bytes.push_back(static_cast<std::byte>(bits >> 8));
  }
  return bytes;
}

/// `tensor` as it is stored, its scale after it.
inline std::vector<StoredTensor> stored_tensor(const ExpectedTensor& tensor, const std::string& name,
                                               WeightFormat format) {
  const auto& shape = tensor.shape;
  const bool is_bias = name.ends_with("e_score_correction_bias");
  const auto floats = draw_weights(name, shape);
  if (!tensor.quantizable || format == WeightFormat::kBF16) {
    const DType dtype = is_bias ? DType::kF32 : DType::kBF16;
    return {{{name, dtype, shape}, encode_values(floats, dtype)}};
  }
  const int64_t n = shape[0], k = shape[1];
  switch (format) {
    case WeightFormat::kF16:
      return {{{name, DType::kF16, shape}, f16_bytes(floats)}};
    case WeightFormat::kMxfp4: {
      auto scales = random_bytes(name + "_scale", n * k / 32, 7);
      for (std::byte& scale : scales) scale = static_cast<std::byte>(static_cast<int>(scale) + 118);
      return {{{name, DType::kU8, {n, k / 2}}, random_bytes(name, n * k / 2)},
              {{name + "_scale", DType::kU8, {n, k / 32}}, std::move(scales)}};
    }
    case WeightFormat::kQ8:
      return {{{name, DType::kI8, shape}, random_bytes(name, n * k)},
              {{name + "_scale", DType::kF16, {n, k / 32}}, f16_bytes(draw_weights(name + "_scale", {n, k / 32}))}};
    case WeightFormat::kFp8Block:
      return {{{name, DType::kF8E4M3, shape}, random_bytes(name, n * k, 0x7f & ~8)},
              {{name + "_scale_inv", DType::kF32, {(n + 127) / 128, (k + 127) / 128}},
               encode_values(std::vector<float>(static_cast<size_t>((n + 127) / 128 * ((k + 127) / 128)), 0.125f),
                             DType::kF32)}};
    default:
      return {{{name, DType::kF32, shape}, encode_values(floats, DType::kF32)}};
  }
}

/// Writes a directory of `model` under `dir`.
inline void write_source(const std::string& dir, const SourceModel& model) {
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  const Glm52Config config = parse_glm52_config(source_config(), "test").value();
  std::vector<TensorGroup> groups;
  std::map<std::string, std::vector<std::byte>> data;
  const auto add = [&](std::vector<StoredTensor> tensors) {
    groups.emplace_back();
    for (StoredTensor& tensor : tensors) {
      groups.back().push_back(tensor.spec);
      data[tensor.spec.name] = std::move(tensor.data);
    }
  };
  const std::string mtp = fmt::format("model.layers.{}.", config.n_layers);
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    std::string name = tensor.name;
    if (model.mtp_as_decoder && name.starts_with(mtp)) {
      const std::string rest = name.substr(mtp.size());
      const std::set<std::string> extras = {"enorm.weight", "hnorm.weight", "eh_proj.weight",
                                            "shared_head.norm.weight"};
      name = (extras.count(rest) != 0 ? "model." : "model.decoder.") + rest;
    }
    if (!model.fused_experts || tensor.part != ModelPart::kRoutedExpert) {
      add(stored_tensor(tensor, name, model.format));
      continue;
    }
    const std::string prefix = name.substr(0, name.find("experts.")) + "experts.";
    if (data.count(prefix + "down_proj") != 0) continue;
    const int64_t e = config.n_experts, i = config.moe_intermediate, d = config.hidden;
    for (const auto& [suffix, shape] :
         std::map<std::string, std::vector<int64_t>>{{"gate_up_proj", {e, 2 * i, d}}, {"down_proj", {e, d, i}}}) {
      add({{{prefix + suffix, DType::kBF16, shape},
            encode_values(draw_weights(prefix + suffix, shape), DType::kBF16)}});
    }
  }
  for (int64_t layer = 0; model.kv_scales && layer < config.n_all_layers(); ++layer) {
    add({{{kv_scale_name(layer), DType::kF32, {1}}, encode_values({0.5f}, DType::kF32)}});
  }
  const auto shards = cut_shards(groups, model.shard_bytes);
  ShardedWriter writer(dir, shards);
  for (const auto& shard : shards) {
    for (const TensorSpec& spec : shard) DB_CHECK(writer.append(data[spec.name]).ok());
  }
  DB_CHECK(writer.finish().ok());
  std::ofstream(dir + "/config.json") << pretty_json(source_config());
  for (const char* name : {"tokenizer.json", "generation_config.json", "chat_template.jinja"}) {
    std::filesystem::copy_file(nano_directory() + "/" + name, dir + "/" + name);
  }
}

}  // namespace drawbridge
