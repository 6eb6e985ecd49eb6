// Which cache an engine gets, what it refuses, and that clipped values are counted where users can see them.
#include "engine/kv_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/generate.h"
#include "engine/tiny_engine_test.h"

namespace drawbridge {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

EngineOptions with_cache(const std::string& dtype, std::optional<float> scale = std::nullopt) {
  EngineOptions options = tiny_options();
  options.kv_cache_dtype = dtype;
  options.kv_scale = scale;
  return options;
}

std::string refusal(const EngineOptions& options) {
  const auto engine = make_engine(options);
  return engine.ok() ? "" : engine.status().message();
}

TEST(KvChoice, RefusesByNameWhatItCannotDo) {
  EXPECT_THAT(refusal(with_cache("fp8")),
              HasSubstr("--kv-cache-dtype: wanted auto, f32, bf16, fp8_e4m3 or fp8_ds_mla"));
  EXPECT_THAT(refusal(with_cache("bf16", 1.0f)), HasSubstr("--kv-scale: wanted only with --kv-cache-dtype fp8_e4m3"));
  for (const float bad : {0.0f, -1.0f, NAN, INFINITY}) {
    EXPECT_THAT(refusal(with_cache("fp8_e4m3", bad)), HasSubstr("--kv-scale: wanted a finite value above 0"));
  }
}

TEST(KvChoice, RefusesFp8WithoutScales) {
  const std::string message = refusal(with_cache("fp8_e4m3"));
  EXPECT_THAT(message, HasSubstr("model.layers.0.self_attn.kv_scale"));
  EXPECT_THAT(message, HasSubstr("--kv-scale 1.0"));
}

TEST(KvChoice, TheCardTellsTypeAndBytes) {
  const auto bf16 = start_engine(with_cache("auto"));
  EXPECT_EQ(bf16->card().kv_cache_dtype, "bf16");
  EXPECT_THAT(bf16->card().notices, Not(Contains(HasSubstr("cache"))));
  const auto fp8 = start_engine(with_cache("fp8_e4m3", 0.5f));
  EXPECT_EQ(fp8->card().kv_cache_dtype, "fp8_e4m3");
  EXPECT_LT(fp8->card().kv_bytes_per_token, bf16->card().kv_bytes_per_token);
  EXPECT_THAT(fp8->card().notices, Contains(HasSubstr("scale 0.5 on every layer (--kv-scale), which nobody measured")));
  EngineOptions parity = tiny_options();
  parity.numerics = "parity-f32";
  EXPECT_EQ(start_engine(parity)->card().kv_cache_dtype, "f32");
}

TEST(KvChoice, ClippedValuesAreCountedByLayer) {
  const auto clipped_of = [](const EngineOptions& options) {
    const auto engine = start_engine(options);
    GenerateRequest request;
    request.prompt = {1, 2, 3, 4, 5, 6, 7, 8};
    request.max_tokens = 4;
    request.ignore_eos = true;
    DB_CHECK(generate(*engine, request).ok());
    return engine->stats().kv_layers;
  };
  EXPECT_TRUE(clipped_of(with_cache("bf16")).empty());
  const int64_t n_rows = 8 + 3 + 2;  // prompt, decoded tokens that were fed back, the check at start
  const auto config = load_glm52_config(tiny_model()).value();
  const auto wide = clipped_of(with_cache("fp8_e4m3", 1.0f));
  ASSERT_EQ(wide.size(), static_cast<size_t>(config.n_layers));
  for (const KvClipping& layer : wide) {
    EXPECT_EQ(layer.n_written, n_rows * config.latent_width());
    EXPECT_EQ(layer.n_clipped, 0);
  }
  const auto narrow = clipped_of(with_cache("fp8_e4m3", 1e-4f));
  for (const KvClipping& layer : narrow) {
    EXPECT_GT(layer.n_clipped, layer.n_written / 2);
    EXPECT_LE(layer.n_clipped, layer.n_written);
  }
  for (const KvClipping& layer : clipped_of(with_cache("fp8_ds_mla"))) EXPECT_EQ(layer.n_clipped, 0);
}

}  // namespace
}  // namespace drawbridge
