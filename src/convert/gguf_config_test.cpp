// config.json from the keys of a GGUF file and the keys from config.json.
#include "convert/gguf_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/source_model_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

class GgufConfigTest : public testing::Test {
 protected:
  GgufConfigTest() {
    const Glm52Config config = parse_glm52_config(source_config(), "test").value();
    const GgufKeyList keys = gguf_from_config(config, "test").value();
    keys_.insert(keys.begin(), keys.end());
    keys_["general.architecture"] = std::string("glm-dsa");
  }

  Result<Json> config() const {
    GgufKeys keys("file");
    for (const auto& [key, value] : keys_) keys.add(key, value);
    return config_from_gguf(keys, {4101, false, DType::kBF16});
  }
  std::string error() const { return config().status().message(); }

  std::map<std::string, GgufValue> keys_;
};

TEST_F(GgufConfigTest, ComesBack) {
  const auto found = config();
  ASSERT_TRUE(found.ok()) << found.status().message();
  Json wanted = source_config();
  wanted.erase("eos_token_id");  // the tokenizer's keys say it
  for (const auto& [key, value] : wanted.items()) EXPECT_EQ(found->value(key, Json()), value) << key;
}

TEST_F(GgufConfigTest, RefusesOtherArchitectures) {
  keys_["general.architecture"] = std::string("deepseek2");
  EXPECT_EQ(error(), "file: key general.architecture: wanted 'glm-dsa', found 'deepseek2'");
}

TEST_F(GgufConfigTest, RefusesWhatWeWouldComputeWrongly) {
  const auto refuses = [&](const std::string& key, const GgufValue& value, const std::string& message) {
    const auto kept = keys_;
    keys_["glm-dsa." + key] = value;
    EXPECT_THAT(error(), HasSubstr(message)) << key;
    keys_ = kept;
  };
  refuses("expert_gating_func", int64_t{1}, "key glm-dsa.expert_gating_func: wanted 2: sigmoid, found 1");
  refuses("attention.head_count_kv", int64_t{8}, "head_count_kv: wanted 1");
  refuses("attention.key_length", int64_t{64}, "wanted kv_lora_rank + rope.dimension_count = 96, found 64");
  refuses("rope.scaling.type", std::string("yarn"), "wanted nothing: no scaled rope");
  refuses("vocab_size", int64_t{5}, "wanted 4101, the rows of token_embd.weight, found 5");
  refuses("nextn_predict_layers", int64_t{2}, "nextn_predict_layers: wanted 0 or 1");
  refuses("leading_dense_block_count", int64_t{9}, "leading_dense_block_count: wanted at most 4");
  refuses("attention.indexer.types", std::vector<bool>{true}, "attention.indexer.types: wanted 4 entries");
  refuses("attention.head_count", std::vector<int64_t>{1, 2}, "attention.head_count: wanted a whole number");
  refuses("expert_weights_norm", int64_t{1}, "expert_weights_norm: wanted true or false");
}

TEST_F(GgufConfigTest, WithoutTypesTheContextTells) {
  keys_.erase("glm-dsa.attention.indexer.types");
  EXPECT_EQ((*config())["indexer_types"], Json({"full", "full", "full", "full"}));
  EXPECT_EQ((*config())["index_share_for_mtp_iteration"], false);
  keys_["glm-dsa.context_length"] = int64_t{1048576};
  EXPECT_EQ((*config())["indexer_types"], Json({"full", "full", "full", "shared"}));
  EXPECT_EQ((*config())["index_share_for_mtp_iteration"], true);
}

TEST_F(GgufConfigTest, TheMtpLayerMayBeListedAmongTheTypes) {
  keys_["glm-dsa.attention.indexer.types"] = std::vector<bool>{true, true, false, false, true};
  EXPECT_EQ((*config())["indexer_types"], Json({"full", "full", "shared", "shared"}));
}

TEST(GgufFromConfig, RefusesDenseLayersAfterSparseOnes) {
  for (const Json& types :
       {Json({"sparse", "sparse", "sparse", "dense"}), Json({"dense", "dense", "dense", "dense"})}) {
    Json json = source_config();
    json["mlp_layer_types"] = types;
    const auto keys = gguf_from_config(parse_glm52_config(json, "test").value(), "config.json");
    EXPECT_EQ(keys.status().code(), Code::kUnsupported);
    EXPECT_THAT(keys.status().message(), HasSubstr("config.json: mlp_layer_types: wanted dense layers first"));
  }
}

}  // namespace
}  // namespace drawbridge
