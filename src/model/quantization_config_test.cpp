#include "model/quantization_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "checkpoint/safetensors_writer.h"
#include "model/module_patterns.h"
#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string matched(const std::vector<std::string>& entries, std::string_view tensor) {
  auto patterns = ModulePatterns::compile(entries);
  DB_CHECK(patterns.ok());
  const std::string* entry = patterns->match(tensor);
  return entry == nullptr ? "" : *entry;
}

TEST(ModulePatterns, NamesStandForWholePartsOfAName) {
  EXPECT_EQ(matched({"model.layers.7"}, "model.layers.7.mlp.up_proj.weight"), "model.layers.7");
  EXPECT_EQ(matched({"model.layers.7"}, "model.layers.78.mlp.up_proj.weight"), "");
  EXPECT_EQ(matched({"lm_head"}, "lm_head.weight"), "lm_head");
  EXPECT_EQ(matched({"mlp.gate"}, "model.layers.3.mlp.gate.weight"), "mlp.gate");
  EXPECT_EQ(matched({"mlp.gate"}, "model.layers.3.mlp.gate_proj.weight"), "");
  EXPECT_EQ(matched({"a.k_norm.bias"}, "a.k_norm.bias"), "a.k_norm.bias");
  EXPECT_EQ(matched({"self_attn.indexers_proj"}, "m.self_attn.indexer.weights_proj.weight"), "");
}

TEST(ModulePatterns, GlobsAndRegularExpressions) {
  EXPECT_EQ(matched({"*self_attn*"}, "model.layers.7.self_attn.o_proj.weight"), "*self_attn*");
  EXPECT_EQ(matched({"*.o_?roj"}, "m.o_proj.weight"), "*.o_?roj");
  EXPECT_EQ(matched({"*.o_pro"}, "m.o_proj.weight"), "");
  EXPECT_EQ(matched({"m*o(proj"}, "m.o(proj.weight"), "m*o(proj");
  EXPECT_EQ(matched({"re:model\\.layers\\.\\d+\\.mlp"}, "model.layers.7.mlp.up_proj.weight"),
            "re:model\\.layers\\.\\d+\\.mlp");
  EXPECT_EQ(matched({"re:layers"}, "model.layers.7.mlp.up_proj.weight"), "");
}

TEST(ModulePatterns, HostilePatternsEnd) {
  EXPECT_THAT(ModulePatterns::compile({"re:("}).status().message(), HasSubstr("re:("));
  EXPECT_FALSE(ModulePatterns::compile(std::vector<std::string>(1025, "*")).ok());
  EXPECT_EQ(matched({"re:(a*)*b"}, std::string(200, 'a')), "");
}

/// A checkpoint of empty matrices with these names and types.
Checkpoint checkpoint_of(const std::vector<TensorSpec>& specs) {
  const std::string dir = process_directory("quantization_config");
  std::filesystem::create_directories(dir);
  DB_CHECK(SafetensorsWriter::create(dir + "/model.safetensors", specs)->finish().ok());
  return Checkpoint::open(dir).value();
}

QuantizationConfig config_of(const char* text) {
  const auto config = parse_quantization_config(Json::parse(text), "config.json");
  DB_CHECK(config.ok());
  return *config;
}

TEST(QuantizationConfig, SaysEachDisagreementWithBothNames) {
  const Checkpoint file = checkpoint_of({{"model.embed_tokens.weight", DType::kBF16, {0, 8}},
                                         {"m.0.norm.weight", DType::kBF16, {0}},
                                         {"m.0.q.weight", DType::kF8E4M3, {0, 8}},
                                         {"m.1.q.weight", DType::kF8E4M3, {0, 8}},
                                         {"m.0.weights_proj.weight", DType::kBF16, {0, 8}},
                                         {"lm_head.weight", DType::kBF16, {0, 8}}});
  const auto config = config_of(R"({"quant_method":"fp8","modules_to_not_convert":["lm_head","m.1","m.0.misspelt"]})");
  EXPECT_THAT(quantization_notices(config, file),
              ElementsAre("quantization_config.modules_to_not_convert lists as not quantized 'm.1', but m.1.q.weight "
                          "is F8_E4M3 [0, 8]; types are read from the tensors",
                          "quantization_config.modules_to_not_convert does not list m.0.weights_proj.weight, which is "
                          "BF16 [0, 8]; types are read from the tensors",
                          "quantization_config.modules_to_not_convert names 'm.0.misspelt', which is in no tensor's "
                          "name; types are read from the tensors"));
}

TEST(QuantizationConfig, AgreementIsSilent) {
  const Checkpoint file = checkpoint_of({{"m.0.q.weight", DType::kU8, {0, 8}}, {"m.0.o.weight", DType::kBF16, {0, 8}}});
  EXPECT_THAT(quantization_notices(config_of(R"({"quant_method":"quark","exclude":["re:.*\\.o"]})"), file),
              ElementsAre());
  EXPECT_THAT(quantization_notices({}, file), ElementsAre());
  const auto many = quantization_notices(config_of(R"({"quant_method":"quark","exclude":["*"]})"), file);
  ASSERT_EQ(many.size(), 1u);
  EXPECT_THAT(many[0], HasSubstr("exclude lists as not quantized '*', but m.0.q.weight"));
}

TEST(QuantizationConfig, RefusesClaimsUnderWhichTheNumbersWouldBeOthers) {
  const Checkpoint fp4 = checkpoint_of({{"m.0.q.weight", DType::kU8, {0, 8}}, {"m.0.q.weight_scale", DType::kU8, {0}}});
  const auto refused = [](const char* config, const Checkpoint& file) {
    return check_quantization(config_of(config), file).message();
  };
  EXPECT_THAT(refused(R"({"quant_method":"fp8"})", fp4),
              AllOf(HasSubstr("quant_method is \"fp8\", but m.0.q.weight in "), HasSubstr("is U8 [0, 8]")));
  const auto quark = [](const std::string& weight) {
    return R"({"quant_method":"quark","layer_quant_config":{},"global_quant_config":{"weight":{)" + weight + "}}}";
  };
  EXPECT_THAT(refused(quark(R"("dtype":"fp4","group_size":16)").c_str(), fp4),
              HasSubstr("group_size is 16, read is 32, but m.0.q.weight"));
  EXPECT_THAT(refused(quark(R"("dtype":"fp4","scale_format":"e4m3")").c_str(), fp4), HasSubstr("scale_format"));
  EXPECT_THAT(refused(quark(R"("dtype":"int4")").c_str(), fp4), HasSubstr("dtype is \"int4\", read is \"fp4\""));
  const std::string agreed = quark(R"("dtype":"fp4","group_size":32,"scale_format":"e8m0")");
  EXPECT_EQ(refused(agreed.c_str(), fp4), "");
}

TEST(QuantizationConfig, RefusesOtherBlocksOfFp8ButNotMissingClaims) {
  const Checkpoint fp8 = checkpoint_of({{"m.0.q.weight", DType::kF8E4M3, {0, 8}}});
  const auto refused = [&](const char* config) { return check_quantization(config_of(config), fp8).message(); };
  EXPECT_THAT(refused(R"({"quant_method":"fp8","weight_block_size":[64,64]})"),
              HasSubstr("weight_block_size is [64,64], read is [128,128], but m.0.q.weight"));
  EXPECT_THAT(refused(R"({"quant_method":"fp8","fmt":"e5m2"})"), HasSubstr("fmt is \"e5m2\""));
  EXPECT_EQ(refused(R"({"quant_method":"fp8","fmt":"e4m3","weight_block_size":[128,128]})"), "");
  EXPECT_EQ(refused(R"({"quant_method":"fp8","weight_block_size":null})"), "");
  // Layers with a configuration of their own: an fp4 export may hold FP8 layers, and an FP8 one may hold fp4.
  EXPECT_EQ(refused(R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":"fp4","group_size":32}}})"),
            "");
  EXPECT_EQ(check_quantization(config_of(R"({"quant_method":"quark","global_quant_config":{"weight":{"dtype":)"
                                         R"("fp8_e4m3"}},"layer_quant_config":{"*experts*":{}}})"),
                               checkpoint_of({{"m.0.q.weight", DType::kU8, {0, 8}}}))
                .message(),
            "");
}

TEST(QuantizationConfig, ReadsWhichInputsAreToBeQuantized) {
  EXPECT_EQ(config_of(R"({"quant_method":"quark","global_quant_config":{"input_tensors":)"
                      R"({"dtype":"fp4","is_dynamic":true}}})")
                .input_dtype,
            "fp4");
  for (const char* none :
       {R"({"quant_method":"fp8"})", R"({"quant_method":"quark","global_quant_config":null})",
        R"({"quant_method":"quark","global_quant_config":{"input_tensors":null}})",
        R"({"quant_method":"quark","global_quant_config":{"input_tensors":{"dtype":"fp8","is_dynamic":false}}})",
        R"({"quant_method":"quark","global_quant_config":{"input_tensors":{"dtype":4,"is_dynamic":true}}})"}) {
    EXPECT_EQ(config_of(none).input_dtype, "") << none;
  }
}

TEST(QuantizationConfig, WrongValuesAreRefusedByName) {
  const auto refused = [](const char* text) {
    return parse_quantization_config(Json::parse(text), "config.json").status().message();
  };
  EXPECT_THAT(refused("3"), HasSubstr("quantization_config: wanted an object"));
  EXPECT_THAT(refused(R"({"quant_method":3})"), HasSubstr("quant_method"));
  EXPECT_THAT(refused(R"({"quant_method":"x","ignore":"lm_head"})"), HasSubstr("quantization_config.ignore"));
  EXPECT_THAT(refused(R"({"quant_method":"x","exclude":[1]})"), HasSubstr("quantization_config.exclude"));
}

}  // namespace
}  // namespace drawbridge
