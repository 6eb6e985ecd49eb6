// Scales on their way from statistics to tensors to a loaded model, and what is refused on the way.
#include "model/kv_scales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

Glm52Config config_of(int64_t n_layers, int64_t n_mtp_layers) {
  Glm52Config config;
  config.n_layers = n_layers;
  config.n_mtp_layers = n_mtp_layers;
  return config;
}

/// A checkpoint of nothing but scales.
Checkpoint checkpoint_of(const std::vector<KvScaleTensor>& tensors, DType dtype = DType::kF32) {
  static int n = 0;
  const std::string directory = process_directory(fmt::format("kv_scales_{}", n++));
  std::filesystem::create_directories(directory);
  std::vector<TensorSpec> specs;
  for (const KvScaleTensor& tensor : tensors) specs.push_back({tensor.name, dtype, {1}});
  auto writer = SafetensorsWriter::create(directory + "/model.safetensors", specs);
  DB_CHECK(writer.ok());
  for (const KvScaleTensor& tensor : tensors) DB_CHECK(writer->append(std::as_bytes(std::span(&tensor.value, 1))).ok());
  DB_CHECK(writer->finish().ok());
  return Checkpoint::open(directory).value();
}

std::string fault_of(const Glm52Config& config, const Checkpoint& checkpoint) {
  const auto found = find_kv_scales(config, checkpoint);
  return found.ok() ? "" : found.status().message();
}

TEST(KvScales, FromStatisticsThroughACheckpoint) {
  CalibrationStats stats;
  stats.latent_amax = {{0, 44.8f}, {1, 0.0f}, {2, 896.0f}};
  const Glm52Config config = config_of(2, 1);
  const auto tensors = kv_scale_tensors(config, stats);
  ASSERT_TRUE(tensors.ok()) << tensors.status().message();
  EXPECT_EQ((*tensors)[0].name, "model.layers.0.self_attn.kv_scale");
  const auto found = find_kv_scales(config, checkpoint_of(*tensors));
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ(**found, (std::vector<float>{44.8f / 448, 1, 2}));
}

TEST(KvScales, TheMtpLayerMayLackOne) {
  CalibrationStats stats;
  stats.latent_amax = {{0, 448.0f}};
  const auto tensors = kv_scale_tensors(config_of(1, 1), stats);
  ASSERT_TRUE(tensors.ok());
  EXPECT_EQ(tensors->size(), 1u);
  const auto found = find_kv_scales(config_of(1, 1), checkpoint_of(*tensors));
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ(**found, (std::vector<float>{1, 1}));
}

TEST(KvScales, StatisticsOfAnotherModelAreRefused) {
  CalibrationStats stats;
  stats.latent_amax = {{0, 1.0f}};
  EXPECT_THAT(kv_scale_tensors(config_of(2, 0), stats).status().message(), HasSubstr("latent_amax.1"));
}

TEST(KvScales, ACheckpointHasAllOrNone) {
  const auto none = find_kv_scales(config_of(2, 0), checkpoint_of({{"other", 1.0f}}));
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_value());
  EXPECT_THAT(fault_of(config_of(3, 0), checkpoint_of({{kv_scale_name(0), 1.0f}, {kv_scale_name(2), 1.0f}})),
              HasSubstr("model.layers.1.self_attn.kv_scale: wanted as model.layers.0.self_attn.kv_scale is there"));
}

TEST(KvScales, MayLieInAFileOfTheirOwn) {
  const auto checkpoint = checkpoint_of({{"other", 1.0f}});
  const std::vector<KvScaleTensor> scales = {{kv_scale_name(0), 0.25f}, {kv_scale_name(1), 3.0f}};
  ASSERT_TRUE(write_kv_scales(checkpoint.directory(), scales).ok());
  const auto found = find_kv_scales(config_of(2, 0), checkpoint);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ(**found, (std::vector<float>{0.25f, 3}));
  EXPECT_EQ(write_kv_scales(checkpoint.directory(), scales).code(), Code::kAlreadyExists);

  const auto both = checkpoint_of(scales);
  ASSERT_TRUE(write_kv_scales(both.directory(), scales).ok());
  EXPECT_THAT(fault_of(config_of(2, 0), both), HasSubstr("wanted scales in one place"));
}

TEST(KvScales, BadOnesAreNamed) {
  for (const float bad : {0.0f, -1.0f, NAN, INFINITY}) {
    EXPECT_THAT(fault_of(config_of(1, 0), checkpoint_of({{kv_scale_name(0), bad}})),
                HasSubstr("model.layers.0.self_attn.kv_scale: wanted a finite scale above 0"));
  }
  EXPECT_THAT(fault_of(config_of(1, 0), checkpoint_of({{kv_scale_name(0), 1.0f}}, DType::kI32)),
              HasSubstr("wanted F32 [1], found I32 [1]"));
}

}  // namespace
}  // namespace drawbridge
