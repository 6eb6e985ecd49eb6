// Whole models in every stored form give the logits, bit for bit, of the same model with its weights decoded to f32
// (by the few lines here, not by the program's decoder).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>

#include "base/mapped_file.h"
#include "base/rng.h"
#include "model/random_checkpoint_test.h"
#include "model/tiny_model_test.h"

namespace drawbridge {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

/// Widths are multiples of 32 (MXFP4 blocks) but not of 128, and an FP8 block edge lies inside a head of kv_b.
Glm52Config test_config() {
  const std::string path = std::string(DB_SOURCE_DIR) + "/tests/golden/model/mtp/config.json";
  Json json = parse_json(read_text_file(path, 1 << 20).value(), path).value();
  const std::map<std::string, int> sizes = {{"hidden_size", 160},           {"intermediate_size", 192},
                                            {"moe_intermediate_size", 160}, {"num_attention_heads", 5},
                                            {"num_key_value_heads", 5},     {"q_lora_rank", 64},
                                            {"kv_lora_rank", 160},          {"qk_nope_head_dim", 24},
                                            {"qk_rope_head_dim", 8},        {"v_head_dim", 32}};
  for (const auto& [key, value] : sizes) json[key] = value;
  return parse_glm52_config(json, path).value();
}

struct StoredTensor {
  TensorSpec spec;
  std::vector<std::byte> data;
};
using Stored = std::vector<StoredTensor>;

StoredTensor stored_f32(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
  return {{name, DType::kF32, shape}, encode_values(values, DType::kF32)};
}

/// A model as its f32 values and, side by side, as it is stored.
struct Twins {
  Stored plain;
  Stored stored;
};

uint8_t byte_at(const std::string& name, int64_t i) {
  return static_cast<uint8_t>(mix64(std::hash<std::string>()(name) + static_cast<uint64_t>(i)));
}

/// E4M3 codes and a scale for each 128 x 128 block, sign 1, exponent 4 (bias 7), mantissa 3.
void add_fp8(const ExpectedTensor& tensor, const std::string& scale_suffix, Twins& twins) {
  const int64_t n = tensor.shape[0], k = tensor.shape[1], blocks = (k + 127) / 128;
  std::vector<float> scales, values;
  for (int64_t i = 0; i < (n + 127) / 128 * blocks; ++i) {
    scales.push_back(static_cast<float>(1 + byte_at(tensor.name + "s", i)) / 4096.0f);
  }
  std::vector<std::byte> codes;
  for (int64_t i = 0; i < n * k; ++i) {
    const auto code = static_cast<uint8_t>(byte_at(tensor.name, i) & 0xbf);  // exponent below 8
    const int exponent = (code >> 3) & 0xf, mantissa = code & 7;
    const double magnitude = exponent == 0 ? mantissa / 8.0 * 0x1p-6 : (1 + mantissa / 8.0) * std::exp2(exponent - 7);
    const double scale = scales[static_cast<size_t>(i / k / 128 * blocks + i % k / 128)];
    values.push_back(static_cast<float>((code & 0x80) != 0 ? -magnitude * scale : magnitude * scale));
    codes.push_back(static_cast<std::byte>(code));
  }
  twins.plain.push_back(stored_f32(tensor.name, tensor.shape, values));
  twins.stored.push_back({{tensor.name, DType::kF8E4M3, tensor.shape}, codes});
  twins.stored.push_back(stored_f32(tensor.name + scale_suffix, {(n + 127) / 128, blocks}, scales));
}

/// bf16, whose bits are the upper half of f32's.
void add_bf16(const ExpectedTensor& tensor, Twins& twins) {
  std::vector<float> values = draw_weights(tensor.name, tensor.shape);
  for (float& v : values) v = round_to_bf16(v);
  twins.plain.push_back(stored_f32(tensor.name, tensor.shape, values));
  twins.stored.push_back({{tensor.name, DType::kBF16, tensor.shape}, encode_values(values, DType::kBF16)});
}

/// Two E2M1 codes a byte, the even column in the low half, and a power of two for each 32 columns.
void add_mxfp4(const ExpectedTensor& tensor, Twins& twins) {
  constexpr std::array<float, 8> kMagnitude = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  const int64_t n = tensor.shape[0], k = tensor.shape[1];
  std::vector<std::byte> codes, scales;
  std::vector<float> values;
  for (int64_t i = 0; i < n * k / 32; ++i) scales.push_back(std::byte(122 + byte_at(tensor.name + "s", i) % 3));
  for (int64_t i = 0; i < n * k; ++i) {
    const uint8_t pair = byte_at(tensor.name, i / 2);
    const auto code = static_cast<uint8_t>(i % 2 == 0 ? pair & 15 : pair >> 4);
    const float magnitude =
        std::ldexp(kMagnitude[code & 7u], static_cast<int>(scales[static_cast<size_t>(i / 32)]) - 127);
    values.push_back(code > 7 ? -magnitude : magnitude);
    if (i % 2 == 0) codes.push_back(std::byte(pair));
  }
  twins.plain.push_back(stored_f32(tensor.name, tensor.shape, values));
  twins.stored.push_back({{tensor.name, DType::kU8, {n, k / 2}}, codes});
  twins.stored.push_back({{tensor.name + "_scale", DType::kU8, {n, k / 32}}, scales});
}

/// int8 and an f16 scale for each 32 columns; the scales are powers of two, so that their bits are easy to say.
void add_q8(const ExpectedTensor& tensor, Twins& twins) {
  const int64_t n = tensor.shape[0], k = tensor.shape[1];
  std::vector<std::byte> codes, scales;
  std::vector<float> values;
  for (int64_t i = 0; i < n * k / 32; ++i) {
    const int exponent = -9 - byte_at(tensor.name + "s", i) % 3;  // of 2^exponent; f16 has a bias of 15
    scales.push_back(std::byte{0});
    scales.push_back(static_cast<std::byte>((exponent + 15) << 2));
  }
  for (int64_t i = 0; i < n * k; ++i) {
    const auto code = static_cast<int8_t>(byte_at(tensor.name, i));
    const int exponent = (static_cast<int>(scales[static_cast<size_t>(i / 32 * 2 + 1)]) >> 2) - 15;
    values.push_back(std::ldexp(static_cast<float>(code), exponent));
    codes.push_back(static_cast<std::byte>(code));
  }
  twins.plain.push_back(stored_f32(tensor.name, tensor.shape, values));
  twins.stored.push_back({{tensor.name, DType::kI8, tensor.shape}, codes});
  twins.stored.push_back({{tensor.name + "_scale", DType::kF16, {n, k / 32}}, scales});
}

/// Every tensor of the test model; `quantize` stores one in another format, or answers false.
template <typename Quantize>
Twins make_twins(Quantize quantize) {
  Twins twins;
  for (const ExpectedTensor& tensor : expected_tensors(test_config())) {
    if (quantize(tensor, twins)) continue;
    twins.plain.push_back(stored_f32(tensor.name, tensor.shape, draw_weights(tensor.name, tensor.shape)));
    twins.stored.push_back(twins.plain.back());
  }
  return twins;
}

void write_file(const std::string& path, Stored tensors) {
  // Wide elements first: data has no gaps, and each element must lie on a multiple of its size.
  std::stable_sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return dtype_bytes(a.spec.dtype) > dtype_bytes(b.spec.dtype);
  });
  std::vector<TensorSpec> specs;
  for (const StoredTensor& tensor : tensors) specs.push_back(tensor.spec);
  auto writer = SafetensorsWriter::create(path, specs);
  DB_CHECK(writer.ok());
  for (const StoredTensor& tensor : tensors) DB_CHECK(writer->append(tensor.data).ok());
  DB_CHECK(writer->finish().ok());
}

std::string write_model(const std::string& name, const Stored& tensors) {
  const std::string dir = process_directory("formats_" + name);
  std::filesystem::create_directories(dir);
  write_file(dir + "/model.safetensors", tensors);
  return dir;
}

/// Logits of two prompt chunks and one MTP step.
std::vector<std::vector<float>> outputs(const std::string& directory, const std::string& isa,
                                        const Glm52Config& config = test_config(), bool pack = false) {
  TinyModel model(config, directory, CpuOptions{isa, 2, Numerics::parity(DType::kF32)}, 4, 1, pack);
  std::vector<int32_t> prompt;
  for (int32_t i = 0; i < 30; ++i) prompt.push_back((i * 31 + 7) % 97);
  std::vector<std::vector<float>> rows = {model.run(std::span(prompt).first(20), 20)};
  TinyModel::Rows rest;
  model.append(rest, std::span(prompt).last(10), 20);
  rows.push_back(model.step(rest).back());
  const std::vector<float> hidden = [&] {
    std::vector<float> all;
    for (const auto& row : TinyModel::copy_rows(model.activations().h)) all.insert(all.end(), row.begin(), row.end());
    return all;
  }();
  rows.push_back(model.mtp_step(rest, hidden, false).back());
  return rows;
}

/// Within what another order of summation in f32 may do to logits, as for the golden ones (docs/model.md).
void expect_near(const std::vector<std::vector<float>>& found, const std::vector<std::vector<float>>& wanted,
                 const std::string& isa) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t r = 0; r < wanted.size(); ++r) {
    const auto [least, most] = std::minmax_element(wanted[r].begin(), wanted[r].end());
    for (size_t i = 0; i < wanted[r].size(); ++i) {
      ASSERT_NEAR(found[r][i], wanted[r][i], 2e-4f * (*most - *least)) << isa << " in panels, row " << r;
    }
  }
}

/// In rows the kernels sum every format in the same order: the same bits. In panels that order is another one.
void expect_twins_agree(const Twins& twins, const std::string& stored_directory,
                        const Glm52Config& stored_config = test_config()) {
  const std::string plain_directory = write_model("plain", twins.plain);
  for (const std::string& isa : usable_cpu_isas()) {
    const auto plain = outputs(plain_directory, isa);
    for (const auto& row : plain) {
      for (const float logit : row) ASSERT_TRUE(std::isfinite(logit));
      EXPECT_NE(*std::max_element(row.begin(), row.end()), *std::min_element(row.begin(), row.end()));
    }
    EXPECT_EQ(outputs(stored_directory, isa, stored_config), plain) << isa;
    expect_near(outputs(stored_directory, isa, stored_config, true), plain, isa);
  }
}

TEST(Formats, Fp8Blocks) {
  for (const char* suffix : {"_scale_inv", "_scale"}) {
    const Twins twins = make_twins([&](const ExpectedTensor& tensor, Twins& t) {
      if (tensor.quantizable) add_fp8(tensor, suffix, t);
      return tensor.quantizable;
    });
    expect_twins_agree(twins, write_model("fp8", twins.stored));
  }
}

TEST(Formats, Mxfp4) {
  const Twins twins = make_twins([](const ExpectedTensor& tensor, Twins& t) {
    if (tensor.quantizable) add_mxfp4(tensor, t);
    return tensor.quantizable;
  });
  expect_twins_agree(twins, write_model("mxfp4", twins.stored));
}

TEST(Formats, Q8) {
  const auto has_blocks = [](const ExpectedTensor& t) { return t.quantizable || t.name == "lm_head.weight"; };
  const Twins twins = make_twins([&](const ExpectedTensor& tensor, Twins& t) {
    if (has_blocks(tensor)) add_q8(tensor, t);
    return has_blocks(tensor);
  });
  expect_twins_agree(twins, write_model("q8", twins.stored));
}

/// Quantized kv_b: its keys, transposed, and its values take no more room than exactness costs, and f32 is said.
TEST(Formats, KvBIsDecodedNoFurtherThanNeeded) {
  const auto halves_of = [](auto add, const char* name) {
    const Twins twins = make_twins([&](const ExpectedTensor& tensor, Twins& t) {
      if (tensor.name.ends_with("kv_b_proj.weight")) add(tensor, t);
      return tensor.name.ends_with("kv_b_proj.weight");
    });
    const auto weights = bind_glm52_weights(test_config(), Checkpoint::open(write_model(name, twins.stored)).value());
    DB_CHECK(weights.ok());
    const AttentionWeights& w = weights->layer[0].attn;
    const auto says_so = testing::Matcher<std::string>(HasSubstr("of kv_b_proj are kept beside the file as f32"));
    const auto& notices = weights->inventory.notices;
    const bool said = std::any_of(notices.begin(), notices.end(), [&](const auto& n) { return says_so.Matches(n); });
    return std::tuple(w.k_b.format, w.v_b.format, said);
  };
  const auto fp8 = [](const ExpectedTensor& tensor, Twins& t) { add_fp8(tensor, "_scale_inv", t); };
  EXPECT_EQ(halves_of(add_mxfp4, "kv_fp4"), std::tuple(WeightFormat::kBF16, WeightFormat::kMxfp4, false));
  EXPECT_EQ(halves_of(add_bf16, "kv_bf16"), std::tuple(WeightFormat::kBF16, WeightFormat::kBF16, false));
  EXPECT_EQ(halves_of(add_q8, "kv_q8"), std::tuple(WeightFormat::kF32, WeightFormat::kQ8, true));
  EXPECT_EQ(halves_of(fp8, "kv_fp8"), std::tuple(WeightFormat::kF32, WeightFormat::kF32, true));
}

/// Experts in MXFP4, attention in FP8, the MTP layer as it was: formats are each matrix's own.
TEST(Formats, Mixed) {
  const Twins twins = make_twins([](const ExpectedTensor& tensor, Twins& t) {
    if (!tensor.quantizable || tensor.layer >= test_config().n_layers) return false;
    if (tensor.part == ModelPart::kRoutedExpert) {
      add_mxfp4(tensor, t);
    } else {
      add_fp8(tensor, "_scale_inv", t);
    }
    return true;
  });
  expect_twins_agree(twins, write_model("mixed", twins.stored));
}

/// HuggingFace's in-memory form: [E, 2 I, D] with gate rows first, and [E, D, I].
Stored fuse_experts(const Stored& tensors) {
  Stored fused;
  std::map<std::string, StoredTensor> stacks;
  for (const StoredTensor& tensor : tensors) {
    const size_t at = tensor.spec.name.find(".experts.");
    if (at == std::string::npos) {
      fused.push_back(tensor);
      continue;
    }
    const bool is_down = tensor.spec.name.find("down_proj") != std::string::npos;
    const std::string name =
        tensor.spec.name.substr(0, at) + (is_down ? ".experts.down_proj" : ".experts.gate_up_proj");
    StoredTensor& stack = stacks[name];
    const bool is_up = tensor.spec.name.find("up_proj") != std::string::npos;
    stack.spec = {name, DType::kF32, {stack.spec.shape.empty() ? 0 : stack.spec.shape[0], 0, 0}};
    stack.spec.shape[0] += is_up ? 0 : 1;
    stack.spec.shape[1] = tensor.spec.shape[0] * (is_down ? 1 : 2);
    stack.spec.shape[2] = tensor.spec.shape[1];
    stack.data.insert(stack.data.end(), tensor.data.begin(), tensor.data.end());
  }
  for (auto& [name, stack] : stacks) fused.push_back(std::move(stack));
  return fused;
}

Twins plain_twins() {
  return make_twins([](const ExpectedTensor&, Twins&) { return false; });
}

TEST(Formats, FusedExperts) {
  Twins twins = plain_twins();
  twins.stored = fuse_experts(twins.plain);
  ASSERT_LT(twins.stored.size(), twins.plain.size());
  expect_twins_agree(twins, write_model("fused", twins.stored));
}

/// The MTP layer's tensors under the names that sglang's draft model has for them.
void rename_mtp_to_decoder(Stored& tensors) {
  const std::string prefix = fmt::format("model.layers.{}.", test_config().n_layers);
  for (StoredTensor& tensor : tensors) {
    if (!tensor.spec.name.starts_with(prefix)) continue;
    const std::string rest = tensor.spec.name.substr(prefix.size());
    const bool extra = rest.starts_with("e") || rest.starts_with("h") || rest.starts_with("shared_head");
    tensor.spec.name = (extra ? "model." : "model.decoder.") + rest;
  }
}

TEST(Formats, MtpLayerNamedDecoder) {
  Twins twins = plain_twins();
  rename_mtp_to_decoder(twins.stored);
  expect_twins_agree(twins, write_model("decoder", twins.stored));
}

/// AMD's export: experts in MXFP4, the MTP layer in bf16.
Twins amd_twins() {
  return make_twins([](const ExpectedTensor& tensor, Twins& t) {
    if (tensor.layer >= test_config().n_layers && tensor.quantizable) {
      add_bf16(tensor, t);
      return true;
    }
    if (tensor.part != ModelPart::kRoutedExpert) return false;
    add_mxfp4(tensor, t);
    return true;
  });
}

Glm52Config excluding(const std::vector<std::string>& modules) {
  const Json weight = {{"dtype", "fp4"}, {"group_size", 32}, {"scale_format", "e8m0"}};
  const Json quark = {{"quant_method", "quark"}, {"global_quant_config", {{"weight", weight}}}, {"exclude", modules}};
  Glm52Config config = test_config();
  config.quantization = parse_quantization_config(quark, "config.json").value();
  return config;
}

/// Engines that ask the exclude list about `model.decoder.*`, their own name of the MTP layer, find it not excluded and
/// build MXFP4 parameters for its bf16 tensors. Whichever side has which name, the tensors decide, and both are said.
TEST(Formats, ExcludeListSpellsTheMtpLayerOtherwise) {
  const std::string in_layers = fmt::format("model.layers.{}.*", test_config().n_layers);
  const std::string others = "re:.*(self_attn|shared_experts|mlp\\.(gate|up|down)_proj)";
  const auto notices = [](const Glm52Config& config, const std::string& directory) {
    return take_inventory(config, Checkpoint::open(directory).value()).notices;
  };
  Twins twins = amd_twins();
  const std::string directory = write_model("trap", twins.stored);
  const Glm52Config decoder_excluded = excluding({"model.decoder.*", others, "lm_head"});
  expect_twins_agree(twins, directory, decoder_excluded);
  EXPECT_THAT(notices(decoder_excluded, directory),
              Contains(HasSubstr("names 'model.decoder.*', which is in no tensor's name")));
  EXPECT_THAT(notices(decoder_excluded, directory),
              Contains(HasSubstr("does not list " + in_layers.substr(0, in_layers.size() - 1))));

  rename_mtp_to_decoder(twins.stored);
  const std::string renamed = write_model("trap_renamed", twins.stored);
  const Glm52Config layers_excluded = excluding({in_layers, others, "lm_head"});
  expect_twins_agree(twins, renamed, layers_excluded);
  EXPECT_THAT(notices(layers_excluded, renamed), Contains(HasSubstr("names '" + in_layers + "', which is in no")));
}

TEST(Formats, ConfigAndFileThatReadTheNumbersDifferentlyAreRefused) {
  const std::string directory = write_model("conflict", amd_twins().stored);
  const auto refused = [&](const char* quantization) {
    Glm52Config config = test_config();
    config.quantization = parse_quantization_config(Json::parse(quantization), "config.json").value();
    const Inventory inventory = take_inventory(config, Checkpoint::open(directory).value());
    EXPECT_EQ(inventory.faults.size(), 1u);
    return bind_glm52_weights(config, Checkpoint::open(directory).value()).status().message();
  };
  EXPECT_THAT(refused(R"({"quant_method":"fp8"})"),
              AllOf(HasSubstr("quant_method is \"fp8\""), HasSubstr("_proj.weight in "), HasSubstr("is U8 [")));
  EXPECT_THAT(refused(R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp4","group_size":16}}})"),
              AllOf(HasSubstr("group_size is 16"), HasSubstr("_proj.weight in ")));
}

TEST(Formats, Shards) {
  const Twins twins = plain_twins();
  const std::string dir = process_directory("formats_shards");
  std::filesystem::create_directories(dir);
  std::array<Stored, 3> shards;
  Json weight_map;
  for (size_t i = 0; i < twins.stored.size(); ++i) {
    shards[i % 3].push_back(twins.stored[i]);
    weight_map[twins.stored[i].spec.name] = fmt::format("model-{:05}-of-00003.safetensors", i % 3 + 1);
  }
  for (size_t s = 0; s < 3; ++s) write_file(fmt::format("{}/model-{:05}-of-00003.safetensors", dir, s + 1), shards[s]);
  std::ofstream(dir + "/model.safetensors.index.json") << dump_json(Json{{"weight_map", weight_map}});
  expect_twins_agree(twins, dir);
}

}  // namespace
}  // namespace drawbridge
