// The ops of a decode step read the bytes that the Inventory calls active, but for three things that differ on purpose.
#include <gtest/gtest.h>

#include <filesystem>

#include "backend/trace_backend.h"
#include "model/random_checkpoint_test.h"
#include "model/tiny_model_test.h"
#include "synth/synth.h"

namespace drawbridge {
namespace {

/// Bytes of kv_b_proj as absorbed attention holds it, beyond those that the file has.
int64_t split_kv_b_extra(const Glm52Config& config, const Glm52Weights& weights) {
  int64_t extra = 0;
  for (const LayerWeights& layer : weights.layer) extra += matrix_bytes(layer.attn.k_b) + matrix_bytes(layer.attn.v_b);
  for (const auto& [name, tensor] : weights.checkpoint.tensors()) {
    const bool is_mtp = name.starts_with(fmt::format("model.layers.{}.", config.n_layers));
    if (name.find("kv_b_proj") != std::string::npos && !is_mtp) extra -= tensor.bytes();
  }
  return extra;
}

class DecodeCostTest : public testing::TestWithParam<SynthDType> {};

TEST_P(DecodeCostTest, IsWhatTheInventoryCallsActive) {
  SynthOptions o;
  o.source = std::string(DB_SOURCE_DIR) + "/tests/golden/model/mtp/config.json";
  o.target = process_directory("decode_cost");
  o.dtype = GetParam();
  std::filesystem::remove_all(o.target);
  ASSERT_TRUE(synthesize(o).ok());
  TinyModel model(load_glm52_config(o.target).value(), o.target, CpuOptions{"auto", 1, Numerics::serving()});
  OpTrace trace;
  model.trace(trace);
  trace.start();
  const std::vector<int32_t> token = {5};
  model.run(token, 1);
  int64_t read = 0;
  for (const OpTotals& op : trace.ops()) read += op.weight_bytes;

  int64_t expected = split_kv_b_extra(model.config(), model.weights());
  for (const PartInventory& part : model.weights().inventory.parts) {
    expected += part.active_bytes;
    if (part.name == "norms") expected += 2 * part.parameters;  // f32 in memory, bf16 in the file
  }
  for (const LayerWeights& layer : model.weights().layer) {
    if (layer.attn.indexer) expected += 2 * 2 * model.config().index_dim;  // its norm's weights and biases likewise
  }
  expected += 2 * model.config().hidden;  // one row of the embedding table, which counts as idle
  EXPECT_EQ(read, expected);
  std::filesystem::remove_all(o.target);
}

INSTANTIATE_TEST_SUITE_P(Bench, DecodeCostTest,
                         testing::Values(SynthDType::kBF16, SynthDType::kFp8, SynthDType::kMxfp4));

}  // namespace
}  // namespace drawbridge
