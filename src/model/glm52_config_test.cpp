// The published numbers of GLM-5.2, counted from its real config.json values, and every refusal by name.
#include "model/glm52_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "model/glm52_tensors.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

Json glm52_json() {
  const std::string path = std::string(DB_SOURCE_DIR) + "/tests/data/configs/glm-5.2.json";
  return parse_json(read_text_file(path, 1 << 20).value(), path).value();
}

Glm52Config glm52() {
  return parse_glm52_config(glm52_json(), "config.json").value();
}

TEST(Glm52Config, ReadsThePublishedConfig) {
  const Glm52Config c = glm52();
  EXPECT_EQ(c.softmax_scale(), 0.0625f);
  EXPECT_EQ(c.rope_theta, 8e6f);
  EXPECT_EQ(c.eos, (std::vector<int32_t>{154820, 154827, 154829}));
  EXPECT_TRUE(c.unknown_keys.empty()) << c.unknown_keys[0];
  EXPECT_FALSE(c.is_sparse(2));
  EXPECT_TRUE(c.is_sparse(3));
  EXPECT_TRUE(c.is_sparse(78));
}

TEST(Glm52Config, SharedLayersUseTheMostRecentFullLayer) {
  const Glm52Config c = glm52();
  int64_t n_full = 0;
  for (int64_t i = 0; i < c.n_layers; ++i) {
    n_full += c.is_full(i) ? 1 : 0;
    EXPECT_EQ(c.index_source(i), i < 2 ? i : 2 + 4 * ((i - 2) / 4)) << i;
  }
  EXPECT_EQ(n_full, 21);
  EXPECT_EQ(c.index_source(78), 78);
}

TEST(Glm52Config, TheFrequencyRuleGivesThePublishedList) {
  Json config = glm52_json();
  config.erase("indexer_types");
  EXPECT_EQ(parse_glm52_config(config, "c")->indexer, glm52().indexer);
}

TEST(Glm52Config, Glm5HasAnIndexerOnEveryLayer) {
  Json config = glm52_json();
  for (const char* key : {"indexer_types", "index_topk_freq", "index_skip_topk_offset", "index_topk_pattern",
                          "moe_router_dtype", "mlp_layer_types", "index_share_for_mtp_iteration", "rope_parameters"}) {
    config.erase(key);
  }
  config["rope_theta"] = 1000000;
  const auto c = parse_glm52_config(config, "c");
  ASSERT_TRUE(c.ok()) << c.status().message();
  for (int64_t i = 0; i < c->n_layers; ++i) EXPECT_TRUE(c->is_full(i));
  EXPECT_EQ(c->rope_theta, 1e6f);
}

TEST(Glm52Tensors, CountsOfThePublishedCheckpoints) {
  const Glm52Config c = glm52();
  int64_t n = 0, n_mtp = 0, n_scales = 0, parameters = 0, fp8_bytes = 0;
  for (const ExpectedTensor& tensor : expected_tensors(c)) {
    const int64_t elements = element_count(tensor);
    ++n;
    n_mtp += tensor.layer == 78 ? 1 : 0;
    parameters += elements;
    if (tensor.quantizable) {
      ++n_scales;
      fp8_bytes += elements + 4 * ((tensor.shape[0] + 127) / 128) * ((tensor.shape[1] + 127) / 128);
    } else {
      fp8_bytes += elements * (tensor.name.ends_with("e_score_correction_bias") ? 4 : 2);
    }
  }
  EXPECT_EQ(n, 59585);
  EXPECT_EQ(n_mtp, 791);
  EXPECT_EQ(n + n_scales, 118629);
  EXPECT_EQ(parameters, 753329940480);
  EXPECT_EQ(fp8_bytes, 755617140416);
  EXPECT_EQ(active_parameters(c), 40298947584);
}

struct BadValue {
  const char* key;
  const char* value;
};

class BadConfigTest : public testing::TestWithParam<BadValue> {};

TEST_P(BadConfigTest, IsRefusedByName) {
  Json config = glm52_json();
  config[GetParam().key] = Json::parse(GetParam().value);
  const auto parsed = parse_glm52_config(config, "config.json");
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.status().message(), HasSubstr(GetParam().key));
  EXPECT_THAT(parsed.status().message(), HasSubstr("wanted"));
}

INSTANTIATE_TEST_SUITE_P(
    Glm52, BadConfigTest,
    testing::Values(BadValue{"hidden_size", "0"}, BadValue{"hidden_size", "-1"}, BadValue{"hidden_size", "\"x\""},
                    BadValue{"hidden_size", "18446744073709551615"}, BadValue{"hidden_size", "1.5"},
                    BadValue{"attention_bias", "true"}, BadValue{"indexer_rope_interleave", "false"},
                    BadValue{"rope_interleave", "false"}, BadValue{"hidden_act", "\"gelu\""},
                    BadValue{"scoring_func", "\"softmax\""}, BadValue{"indexer_types", "[\"full\"]"},
                    BadValue{"mlp_layer_types", "[]"}, BadValue{"index_topk", "0"},
                    BadValue{"rope_parameters", "{\"rope_type\":\"yarn\",\"rope_theta\":1}"},
                    BadValue{"rope_parameters", "{\"type\":\"yarn\",\"rope_theta\":1}"},
                    BadValue{"rope_parameters", "{\"rope_theta\":1,\"factor\":4}"},
                    BadValue{"rope_parameters", "{\"rope_theta\":1e300}"}, BadValue{"rope_theta", "1e300"},
                    BadValue{"rope_scaling", "{\"type\":\"linear\",\"factor\":2}"},
                    BadValue{"rope_scaling", "{\"factor\":2}"}, BadValue{"rope_scaling", "4"},
                    BadValue{"rms_norm_eps", "1e-60"}, BadValue{"routed_scaling_factor", "0"},
                    BadValue{"qk_rope_head_dim", "63"}, BadValue{"num_experts_per_tok", "257"},
                    BadValue{"n_group", "7"}, BadValue{"eos_token_id", "[999999]"}, BadValue{"dtype", "\"int8\""},
                    BadValue{"model_type", "\"glm5_next\""}, BadValue{"model_type", "\"llama\""}));

TEST(Glm52Config, ASharedFirstLayerIsRefused) {
  Json config = glm52_json();
  config["indexer_types"][0] = "shared";
  EXPECT_THAT(parse_glm52_config(config, "c").status().message(), HasSubstr("indexer_types"));
}

TEST(Glm52Config, DefaultRopeMayBeSpelledOut) {
  Json config = glm52_json();
  config["rope_scaling"] = {{"type", "default"}};
  config["rope_parameters"] = {{"type", "default"}, {"rope_theta", 5e5}, {"partial_rotary_factor", 1}};
  const auto c = parse_glm52_config(config, "c");
  ASSERT_TRUE(c.ok()) << c.status().message();
  EXPECT_EQ(c->rope_theta, 5e5f);
}

TEST(Glm52Config, TheMtpLayerHasExpertsWhateverTheLastLayerIs) {
  Json config = glm52_json();
  config["mlp_layer_types"][77] = "dense";
  const auto c = parse_glm52_config(config, "c");
  ASSERT_TRUE(c.ok()) << c.status().message();
  EXPECT_FALSE(c->is_sparse(77));
  EXPECT_TRUE(c->is_sparse(78));
}

TEST(Glm52Config, ThePatternIsLettersOrAListAndReadOnlyWhenItCounts) {
  Json config = glm52_json();
  config["index_topk_pattern"] = "bad";
  EXPECT_EQ(parse_glm52_config(config, "c")->indexer, glm52().indexer);
  config.erase("indexer_types");
  EXPECT_THAT(parse_glm52_config(config, "c").status().message(), HasSubstr("index_topk_pattern: wanted 78 layers"));
  std::string letters(78, 'S');
  Json list = Json::array();
  for (size_t i = 0; i < letters.size(); ++i) {
    if (i % 5 == 0) letters[i] = 'F';
    list.push_back(i % 5 == 0 ? "full" : "shared");
  }
  config["index_topk_pattern"] = letters;
  const auto by_letters = parse_glm52_config(config, "c");
  ASSERT_TRUE(by_letters.ok()) << by_letters.status().message();
  EXPECT_FALSE(by_letters->is_full(4));
  EXPECT_TRUE(by_letters->is_full(5));
  config["index_topk_pattern"] = list;
  EXPECT_EQ(parse_glm52_config(config, "c")->indexer, by_letters->indexer);
}

TEST(Glm52Config, ASizeThatWouldOverflowIsRefused) {
  Json config = glm52_json();
  for (const char* key : {"num_attention_heads", "qk_nope_head_dim"}) config[key] = 65536;
  config["q_lora_rank"] = 1 << 20;
  EXPECT_THAT(parse_glm52_config(config, "c").status().message(), HasSubstr("parameters, wanted at most 1e+15"));
  config = glm52_json();
  config["n_routed_experts"] = 65536;
  EXPECT_THAT(parse_glm52_config(config, "c").status().message(),
              HasSubstr("n_routed_experts: wanted at most 1048576"));
}

TEST(Glm52Config, UnknownKeysAreListedNotRefused) {
  Json config = glm52_json();
  config["brand_new"] = 1;
  EXPECT_EQ(parse_glm52_config(config, "c")->unknown_keys, std::vector<std::string>{"brand_new"});
}

}  // namespace
}  // namespace drawbridge
