// Whole runs on small models: what is written, that it is read back as what it should be, and that nothing goes wrong
// quietly.
#include "quantize/quantize.h"

#include <cmath>

#include "base/json.h"
#include "base/sha256.h"
#include "checkpoint/matrix_source.h"
#include "checkpoint/safetensors_writer.h"
#include "model/calibration_stats.h"
#include "model/inventory.h"
#include "model/kv_scales.h"
#include "quantize/test_source_test.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class QuantizeTest : public QuantizeFixture {
 protected:
  /// Quantizes and compares every tensor's type with `wanted(tensor)`; the target must load without a notice.
  template <typename Wanted>
  void expect_types(const QuantizeOptions& o, Wanted wanted) {
    const auto report = quantize(o);
    ASSERT_TRUE(report.ok()) << report.status().message();
    const Glm52Config config = load_glm52_config(o.target).value();
    const Checkpoint target = Checkpoint::open(o.target).value();
    const Inventory inventory = take_inventory(config, target);
    EXPECT_THAT(inventory.missing, IsEmpty());
    EXPECT_THAT(inventory.extra, IsEmpty());
    EXPECT_THAT(inventory.faults, IsEmpty());
    EXPECT_THAT(inventory.notices, IsEmpty());
    for (const ExpectedTensor& tensor : expected_tensors(config)) {
      EXPECT_EQ(target.find(tensor.name)->dtype, wanted(tensor)) << tensor.name;
    }
  }
  DType source_type(const ExpectedTensor& tensor) const {
    return tensor.name.ends_with("e_score_correction_bias") ? DType::kF32 : config_.dtype;
  }
  bool is_main_expert(const ExpectedTensor& tensor) const {
    return tensor.layer < config_.n_layers &&
           (tensor.part == ModelPart::kRoutedExpert || tensor.part == ModelPart::kSharedExpert);
  }
  Json config_json(const std::string& directory = "target") const {
    const std::string path = base_ + "/" + directory + "/config.json";
    return parse_json(read_text_file(path, 1 << 20).value(), path).value();
  }
  /// Root mean square of the difference of two stored matrices, over that of the first.
  static double relative_error(const Checkpoint& a, const Checkpoint& b, const std::string& module, int64_t n,
                               int64_t k) {
    std::vector<float> x(static_cast<size_t>(k)), y = x;
    double error = 0, size = 0;
    for (int64_t i = 0; i < n; ++i) {
      dequantize_row(find_matrix(a, module, n, k).value(), i, x.data());
      dequantize_row(find_matrix(b, module, n, k).value(), i, y.data());
      for (size_t j = 0; j < x.size(); ++j) {
        error += std::pow(static_cast<double>(x[j]) - static_cast<double>(y[j]), 2);
        size += std::pow(static_cast<double>(x[j]), 2);
      }
    }
    return std::sqrt(error / size);
  }
};

TEST_F(QuantizeTest, RecipeAmd) {
  expect_types(options(),
               [&](const auto& tensor) { return is_main_expert(tensor) ? DType::kU8 : source_type(tensor); });
  const Json quantization = config_json()["quantization_config"];
  EXPECT_EQ(quantization["quant_method"], "quark");
  EXPECT_EQ(quantization["global_quant_config"]["weight"]["dtype"], "fp4");
  const auto excluded = quantization["exclude"].get<std::vector<std::string>>();
  const std::string mtp = fmt::format("model.layers.{}.", config_.n_layers);
  // Loaders that compare whole names find each module, in the checkpoint's spelling and in their own.
  for (const std::string& name :
       {std::string("lm_head"), mtp + "mlp.experts", mtp + "mlp.experts.3.down_proj", mtp + "self_attn.o_proj",
        mtp + "eh_proj", std::string("model.eh_proj"), std::string("model.decoder.mlp.experts"),
        std::string("model.decoder.mlp.shared_experts.gate_up_proj"), std::string("model.decoder.self_attn.o_proj"),
        std::string("model.layers.0.self_attn.fused_qkv_a_proj_with_mqa")}) {
    EXPECT_THAT(excluded, testing::Contains(name));
  }
}

TEST_F(QuantizeTest, RecipeExperts) {
  QuantizeOptions o = options();
  o.plan.recipe = Recipe::kExperts;
  expect_types(o, [&](const auto& tensor) {
    return is_main_expert(tensor) && tensor.part == ModelPart::kRoutedExpert ? DType::kU8 : source_type(tensor);
  });
}

TEST_F(QuantizeTest, RecipeExpertsFp8) {
  QuantizeOptions o = options();
  o.plan.recipe = Recipe::kExpertsFp8;
  expect_types(o, [&](const auto& tensor) {
    if (is_main_expert(tensor)) return DType::kU8;
    return tensor.quantizable ? DType::kF8E4M3 : source_type(tensor);
  });
  const Json layers = config_json()["quantization_config"]["layer_quant_config"];
  EXPECT_TRUE(layers.contains("model.layers.*.self_attn.o_proj"));
  EXPECT_EQ(layers.begin().value()["weight"]["block_size"], Json({128, 128}));
  // The MTP layer's experts are FP8: as one module, and under the draft model's names.
  EXPECT_TRUE(layers.contains(fmt::format("model.layers.{}.mlp.experts", config_.n_layers)));
  EXPECT_TRUE(layers.contains("model.decoder.mlp.experts"));
  // Quark's name of the scales, since the config is Quark's.
  const Checkpoint target = Checkpoint::open(o.target).value();
  EXPECT_NE(target.find("model.layers.0.self_attn.o_proj.weight_scale"), nullptr);
  EXPECT_EQ(target.find("model.layers.0.self_attn.o_proj.weight_scale_inv"), nullptr);
}

TEST_F(QuantizeTest, Fp8WithQ8AndNoMxfp4Loads) {
  QuantizeOptions o = options();
  o.plan.recipe = Recipe::kExpertsFp8;
  o.plan.overrides.push_back(parse_format_override("*experts*=q8").value());
  ASSERT_TRUE(quantize(o).ok());
  const Checkpoint target = Checkpoint::open(o.target).value();
  const Glm52Config config = load_glm52_config(o.target).value();
  EXPECT_EQ(target.find("model.layers.1.mlp.experts.0.up_proj.weight")->dtype, DType::kI8);
  EXPECT_TRUE(check_quantization(config.quantization, target).ok());
}

TEST_F(QuantizeTest, RecipeAllLeavesWidthsThatDoNotFit) {
  QuantizeOptions o = options();
  o.plan.recipe = Recipe::kAll;
  const auto wanted = [&](const ExpectedTensor& tensor) {
    const bool all = tensor.quantizable || (tensor.part == ModelPart::kMtpProjection && tensor.shape.size() == 2);
    return all && tensor.shape[1] % 32 == 0 ? DType::kU8 : source_type(tensor);
  };
  expect_types(o, wanted);
  fs::remove_all(o.target);
  const auto report = quantize(o);
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->notices, testing::Contains(HasSubstr("q_b_proj")));  // 48 columns
}

TEST_F(QuantizeTest, TheLastOverrideWins) {
  QuantizeOptions o = options();
  for (const char* set : {"*.experts.*=fp8", "lm_head.weight=q8", "model.layers.1.mlp.experts.*.up_proj=bf16",
                          "model.layers.1.mlp.experts.3.*=keep"}) {
    o.plan.overrides.push_back(parse_format_override(set).value());
  }
  ASSERT_TRUE(quantize(o).ok());
  const Checkpoint source = Checkpoint::open(o.source).value(), target = Checkpoint::open(o.target).value();
  EXPECT_EQ(target.find("lm_head.weight")->dtype, DType::kI8);
  EXPECT_EQ(target.find("model.layers.1.mlp.experts.3.up_proj.weight")->dtype, config_.dtype);
  EXPECT_EQ(target.find("model.layers.1.mlp.experts.2.up_proj.weight")->dtype, DType::kBF16);
  EXPECT_EQ(target.find("model.layers.1.mlp.experts.2.down_proj.weight")->dtype, DType::kF8E4M3);
  EXPECT_EQ(target.find("model.layers.1.mlp.shared_experts.up_proj.weight")->dtype, DType::kU8);
  EXPECT_LT(relative_error(source, target, "lm_head", config_.vocab, config_.hidden), 0.01);
  const std::string expert = "model.layers.1.mlp.experts.2.";
  EXPECT_LT(relative_error(source, target, expert + "down_proj", config_.hidden, config_.moe_intermediate), 0.04);
  EXPECT_LT(relative_error(source, target, "model.layers.1.mlp.shared_experts.up_proj",
                           config_.moe_intermediate * config_.n_shared_experts, config_.hidden),
            0.15);
}

TEST_F(QuantizeTest, OverridesThatMeanNothingAreErrors) {
  const auto message = [&](const std::string& set) {
    QuantizeOptions o = options();
    o.plan.overrides.push_back(parse_format_override(set).value());
    return quantize(o).status().message();
  };
  EXPECT_THAT(message("lm_haed.weight=q8"), HasSubstr("the nearest are: lm_head.weight"));
  EXPECT_THAT(message("model.norm.weight=mxfp4"), HasSubstr("model.norm.weight, which is no matrix"));
  EXPECT_THAT(message("*.q_b_proj=mxfp4"), HasSubstr("48 columns"));
  EXPECT_THAT(parse_format_override("lm_head").status().message(), HasSubstr("GLOB=FORMAT"));
  EXPECT_THAT(parse_format_override("lm_head=fp4").status().message(), HasSubstr("mxfp4"));
}

TEST_F(QuantizeTest, ThreadsAndShardsDoNotChangeATensor) {
  QuantizeOptions one = options("one"), many = options("many");
  one.n_threads = 1;
  many.n_threads = 7;
  many.plan.shard_bytes = 100'000;
  ASSERT_TRUE(quantize(one).ok());
  ASSERT_TRUE(quantize(many).ok());
  const Checkpoint a = Checkpoint::open(one.target).value(), b = Checkpoint::open(many.target).value();
  EXPECT_GT(b.n_files(), 3);
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (const auto& [name, tensor] : a.tensors()) {
    const auto other = b.find(name)->data;
    EXPECT_TRUE(std::equal(tensor.data.begin(), tensor.data.end(), other.begin(), other.end())) << name;
  }
}

TEST_F(QuantizeTest, TheManifestHasEveryTensorsHash) {
  ASSERT_TRUE(quantize(options()).ok());
  const std::string path = base_ + "/target/drawbridge_manifest.json";
  const Json manifest = parse_json(read_text_file(path, 1 << 24).value(), path).value();
  const Checkpoint target = Checkpoint::open(base_ + "/target").value();
  EXPECT_EQ(manifest["tensors"].size(), target.tensors().size());
  EXPECT_EQ(manifest["recipe"], "amd");
  for (const Json& entry : manifest["tensors"]) {
    Sha256 hash;
    hash.add(target.find(entry["name"].get<std::string>())->data);
    EXPECT_EQ(hash.digest(), entry["sha256"]) << entry["name"];
  }
}

/// FP8 sources are decoded as they are read; what no recipe names stays FP8.
TEST_F(QuantizeTest, FromFp8) {
  QuantizeOptions to_fp8 = options("fp8");
  to_fp8.plan.recipe = Recipe::kExpertsFp8;
  to_fp8.plan.overrides = {{"*.experts.*", TargetFormat::kFp8}, {"*.shared_experts.*", TargetFormat::kFp8}};
  ASSERT_TRUE(quantize(to_fp8).ok());
  EXPECT_EQ(config_json("fp8")["quantization_config"]["quant_method"], "fp8");
  QuantizeOptions o = options();
  o.source = to_fp8.target;
  ASSERT_TRUE(quantize(o).ok());
  const Checkpoint source = Checkpoint::open(o.source).value(), target = Checkpoint::open(o.target).value();
  EXPECT_EQ(target.find("model.layers.0.self_attn.o_proj.weight")->dtype, DType::kF8E4M3);
  const std::string module = "model.layers.1.mlp.experts.0.up_proj";
  EXPECT_EQ(target.find(module + ".weight")->dtype, DType::kU8);
  EXPECT_EQ(target.find(module + ".weight_scale_inv"), nullptr);
  EXPECT_LT(relative_error(source, target, module, config_.moe_intermediate, config_.hidden), 0.15);
  EXPECT_THAT(take_inventory(load_glm52_config(o.target).value(), target).notices, IsEmpty());
}

/// HuggingFace's stacked experts come out as the same matrices one by one.
TEST_F(QuantizeTest, FromStackedExperts) {
  ASSERT_TRUE(quantize(options("plain")).ok());
  const Checkpoint split = Checkpoint::open(base_ + "/source").value();
  std::map<std::string, std::pair<TensorSpec, std::vector<std::byte>>> tensors;
  for (const ExpectedTensor& tensor : expected_tensors(config_)) {
    const Tensor& stored = *split.find(tensor.name);
    if (tensor.part != ModelPart::kRoutedExpert) {
      tensors[tensor.name] = {{tensor.name, stored.dtype, stored.shape}, {stored.data.begin(), stored.data.end()}};
      continue;
    }
    const std::string prefix = tensor.name.substr(0, tensor.name.find("experts.")) + "experts.";
    const bool is_down = tensor.name.ends_with("down_proj.weight");
    const std::string stack = prefix + (is_down ? "down_proj" : "gate_up_proj");
    auto& [spec, data] = tensors[stack];
    spec = {stack, stored.dtype, {config_.n_experts, is_down ? tensor.shape[0] : 2 * tensor.shape[0], tensor.shape[1]}};
    data.insert(data.end(), stored.data.begin(), stored.data.end());  // in the order gate, up of each expert
  }
  QuantizeOptions o = options("stacked_target");
  o.source = base_ + "/stacked";
  fs::create_directories(o.source);
  fs::copy_file(base_ + "/source/config.json", o.source + "/config.json");
  std::vector<TensorSpec> specs;
  for (const auto& [name, tensor] : tensors) specs.push_back(tensor.first);
  auto writer = SafetensorsWriter::create(o.source + "/model.safetensors", specs).value();
  for (const auto& [name, tensor] : tensors) ASSERT_TRUE(writer.append(tensor.second).ok());
  ASSERT_TRUE(writer.finish().ok());
  const auto report = quantize(o);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(contents("stacked_target")["model.safetensors"], contents("plain")["model.safetensors"]);
}

TEST_F(QuantizeTest, NanIsNamedAndRefusedOrKept) {
  const std::string name = "model.layers.1.mlp.experts.2.up_proj.weight";
  const Tensor* tensor = nullptr;
  const Checkpoint source = Checkpoint::open(base_ + "/source").value();
  tensor = source.find(name);
  ASSERT_EQ(tensor->dtype, DType::kF32);
  patch("source/model.safetensors", static_cast<int64_t>(tensor->begin) + 4 * (3 * config_.hidden + 17),
        std::string("\x00\x00\xc0\x7f", 4));
  EXPECT_THAT(quantize(options()).status().message(), HasSubstr(name + ": element [3, 17] is NaN"));
  EXPECT_FALSE(exists("target"));
  fs::remove_all(base_ + "/target.partial");
  QuantizeOptions o = options();
  o.allow_nan = true;
  const auto report = quantize(o);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_THAT(report->notices, testing::ElementsAre(HasSubstr(name + " [3, 17]")));
  const Checkpoint target = Checkpoint::open(o.target).value();
  EXPECT_EQ(target.find(name)->dtype, DType::kF32);
  EXPECT_EQ(target.find("model.layers.1.mlp.experts.1.up_proj.weight")->dtype, DType::kU8);
}

TEST_F(QuantizeTest, ANanScaleOfAKeptMatrixIsRefused) {
  ASSERT_TRUE(quantize(options("first")).ok());
  const std::string name = "model.layers.1.mlp.experts.2.up_proj.weight_scale";
  const Checkpoint first = Checkpoint::open(base_ + "/first").value();
  patch("first/model.safetensors", static_cast<int64_t>(first.find(name)->begin) + 5, "\xff");
  QuantizeOptions o = options();
  o.source = base_ + "/first";
  EXPECT_THAT(quantize(o).status().message(), HasSubstr(name + ": element [2, 1] is NaN"));
}

TEST_F(QuantizeTest, SearchNeedsStatistics) {
  QuantizeOptions o = options();
  o.plan.rule = QuantizeRule::kSearch;
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("--calibration"));
  CalibrationStats stats;
  stats.n_tokens = 10;
  const auto add = [&](const std::string& module, int64_t k) {
    stats.input_mean_square[module].assign(static_cast<size_t>(k), 1.0f);
    stats.n_rows[module] = 10;
  };
  for (const ExpectedTensor& tensor : expected_tensors(config_)) {
    const std::string module = tensor.name.substr(0, tensor.name.size() - 7);
    if (is_main_expert(tensor) && module != "model.layers.1.mlp.experts.0.up_proj") add(module, tensor.shape[1]);
  }
  for (int layer = 0; layer < config_.n_all_layers(); ++layer)
    stats.latent_amax[layer] = 448.0f * static_cast<float>(layer + 1);
  o.calibration = base_ + "/stats.safetensors";
  ASSERT_TRUE(write_calibration_stats(stats, o.calibration).ok());
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("model.layers.1.mlp.experts.0.up_proj"));
  o.allow_uncalibrated = true;
  const auto report = quantize(o);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_THAT(report->notices, testing::ElementsAre(HasSubstr("equal weights")));
  const auto scales = find_kv_scales(config_, Checkpoint::open(o.target).value()).value();
  ASSERT_TRUE(scales.has_value());
  EXPECT_EQ((*scales)[1], 2.0f);
}

TEST_F(QuantizeTest, CacheScalesAmongTheWeightsMoveToTheirFile) {
  std::vector<TensorSpec> specs;
  for (int64_t i = 0; i < config_.n_all_layers(); ++i) specs.push_back({kv_scale_name(i), DType::kF32, {1}});
  auto writer = SafetensorsWriter::create(base_ + "/source/scales.safetensors", specs);
  ASSERT_TRUE(writer.ok());
  const float half = 0.5f;
  for (size_t i = 0; i < specs.size(); ++i) ASSERT_TRUE(writer->append(std::as_bytes(std::span(&half, 1))).ok());
  ASSERT_TRUE(writer->finish().ok());
  Json map = Json::object();
  const Checkpoint source = Checkpoint::open(base_ + "/source").value();
  for (const auto& [name, tensor] : source.tensors()) map[name] = "model.safetensors";
  for (const TensorSpec& spec : specs) map[spec.name] = "scales.safetensors";
  std::ofstream(base_ + "/source/model.safetensors.index.json") << dump_json(Json{{"weight_map", map}});
  fs::remove(base_ + "/source/kv_scales.safetensors");
  const QuantizeOptions o = options();
  const auto report = quantize(o);
  ASSERT_TRUE(report.ok()) << report.status().message();
  const auto scales = find_kv_scales(config_, Checkpoint::open(o.target).value());
  ASSERT_TRUE(scales.ok()) << scales.status().message();
  EXPECT_EQ((*scales)->front(), 0.5f);
}

TEST_F(QuantizeTest, CacheScalesOfTheSourceAreKept) {
  QuantizeOptions o = options();
  ASSERT_TRUE(quantize(o).ok());
  EXPECT_FALSE(find_kv_scales(config_, Checkpoint::open(o.target).value()).value().has_value());
  std::vector<KvScaleTensor> stored;
  for (int64_t i = 0; i < config_.n_all_layers(); ++i) stored.push_back({kv_scale_name(i), 0.5f});
  ASSERT_TRUE(write_kv_scales(o.source, stored).ok());
  o.target += "-with-scales";
  ASSERT_TRUE(quantize(o).ok());
  const auto scales = find_kv_scales(config_, Checkpoint::open(o.target).value()).value();
  ASSERT_TRUE(scales.has_value());
  EXPECT_EQ(scales->front(), 0.5f);
}

TEST_F(QuantizeTest, PathsThatCannotBe) {
  QuantizeOptions o = options();
  o.target = o.source;
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("lies in the source"));
  o.target = o.source + "/inside";
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("lies in the source"));
  o = options("exists");
  fs::create_directory(o.target);
  EXPECT_EQ(quantize(o).status().code(), Code::kAlreadyExists);
  o = options();
  o.source = base_ + "/nothing";
  EXPECT_EQ(quantize(o).status().code(), Code::kNotFound);
  o = options();
  fs::resize_file(o.source + "/model.safetensors", 200'000);
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("its header describes"));
}

TEST_F(QuantizeTest, ProgressEndsAtTheTotal) {
  QuantizeOptions o = options();
  std::map<std::string, std::pair<int64_t, int64_t>> seen;
  o.progress = [&](const std::string& what, int64_t done, int64_t total) {
    EXPECT_GE(done, seen[what].first);
    seen[what] = {done, total};
  };
  ASSERT_TRUE(quantize(o).ok());
  EXPECT_EQ(seen.size(), 2u);
  for (const auto& [what, bar] : seen)
    EXPECT_NEAR(static_cast<double>(bar.first) / static_cast<double>(bar.second), 1, 0.01);
}

}  // namespace
}  // namespace drawbridge
