#include "model/pack_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/scratch_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class PackWeights : public testing::Test {
 protected:
  static std::string model() { return std::string(DB_SOURCE_DIR) + "/models/glm52-nano"; }
  static Glm52Weights load(const Glm52Config& config) {
    return bind_glm52_weights(config, Checkpoint::open(model()).value()).value();
  }
  static std::unique_ptr<Backend> widest() {
    CpuOptions options;
    options.numerics = Numerics::serving();
    return make_cpu_backend(options).value();
  }
};

TEST_F(PackWeights, PacksWhatProductsReadAndNothingElse) {
  const auto backend = widest();
  if (!backend->prefers_panels(WeightFormat::kBF16)) GTEST_SKIP() << "this CPU has no bf16 dot products";
  const Glm52Config config = load_glm52_config(model()).value();
  Glm52Weights weights = load(config);
  const auto said = pack_glm52_weights(config, *backend, {2, ""}, weights);
  ASSERT_TRUE(said.ok());
  EXPECT_THAT(*said, HasSubstr("packed in panels"));
  EXPECT_EQ(weights.lm_head.order, RowOrder::kPanels);
  EXPECT_EQ(weights.embed.order, RowOrder::kRows);
  for (const LayerWeights& layer : weights.layer) {
    EXPECT_EQ(layer.attn.o.order, RowOrder::kPanels);
    if (layer.attn.indexer) {
      EXPECT_EQ(layer.attn.indexer->head.order, RowOrder::kRows);
    }
    const auto* moe = std::get_if<MoeWeights>(&layer.mlp);
    if (moe == nullptr) continue;
    EXPECT_EQ(moe->router.order, RowOrder::kRows);
    for (const MlpMatrices& expert : moe->experts) EXPECT_EQ(expert.down.order, RowOrder::kPanels);
    if (moe->fuses_shared()) {
      EXPECT_EQ(moe->shared->gate.data, moe->experts.back().gate.data);
    }
  }
}

TEST_F(PackWeights, TheReferenceReadsRows) {
  CpuOptions options;
  options.isa = "scalar";
  const auto scalar = make_cpu_backend(options).value();
  const Glm52Config config = load_glm52_config(model()).value();
  Glm52Weights weights = load(config);
  EXPECT_THAT(pack_glm52_weights(config, *scalar, {2, ""}, weights).value(), IsEmpty());
  EXPECT_EQ(weights.lm_head.order, RowOrder::kRows);
}

TEST_F(PackWeights, ASecondStartMapsWhatTheFirstKept) {
  const auto backend = widest();
  if (!backend->prefers_panels(WeightFormat::kBF16)) GTEST_SKIP() << "this CPU has no bf16 dot products";
  const ScratchDirectory cache("panel_cache");
  const Glm52Config config = load_glm52_config(model()).value();
  Glm52Weights first = load(config), second = load(config);
  EXPECT_THAT(pack_glm52_weights(config, *backend, {1, cache.file("")}, first).value(), HasSubstr("kept in"));
  EXPECT_THAT(pack_glm52_weights(config, *backend, {1, cache.file("")}, second).value(), HasSubstr("mapped from"));
  std::vector<float> wanted(static_cast<size_t>(config.hidden)), found = wanted;
  dequantize_row(first.lm_head, 5, wanted.data());
  dequantize_row(second.lm_head, 5, found.data());
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace drawbridge
