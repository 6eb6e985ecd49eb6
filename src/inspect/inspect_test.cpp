// The published checkpoints from their headers alone: no weight exists on the machine that runs this.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"
#include "checkpoint/safetensors_writer.h"
#include "inspect/report.h"
#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class InspectTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = process_directory("inspect");
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    use_config("/tests/data/configs/glm-5.2.json");
  }
  void use_config(const std::string& path) {
    fs::copy_file(DB_SOURCE_DIR + path, dir_ + "/config.json", fs::copy_options::overwrite_existing);
  }
  void TearDown() override { fs::remove_all(dir_); }

  /// Headers of the official FP8 export without `left_out`, in two shards.
  void write_fp8_headers(const std::string& left_out = "") {
    const Glm52Config config = load_glm52_config(dir_).value();
    std::vector<TensorSpec> shards[2];
    std::string weight_map;
    const auto add = [&](const TensorSpec& spec, size_t shard) {
      if (spec.name == left_out) return;
      shards[shard].push_back(spec);
      weight_map += fmt::format(R"({}"{}":"{}.safetensors")", weight_map.empty() ? "" : ",", spec.name, shard);
    };
    for (const ExpectedTensor& tensor : expected_tensors(config)) {
      const size_t shard = tensor.layer < config.n_layers / 2 ? 0 : 1;
      if (tensor.quantizable) {
        add({tensor.name, DType::kF8E4M3, tensor.shape}, shard);
        add({tensor.name + "_scale_inv", DType::kF32, {(tensor.shape[0] + 127) / 128, (tensor.shape[1] + 127) / 128}},
            shard);
      } else {
        const bool is_bias = tensor.name.ends_with("e_score_correction_bias");
        add({tensor.name, is_bias ? DType::kF32 : DType::kBF16, tensor.shape}, shard);
      }
    }
    for (size_t s = 0; s < 2; ++s) {
      DB_CHECK(SafetensorsWriter::create(fmt::format("{}/{}.safetensors", dir_, s), shards[s]).ok());
    }
    std::ofstream(dir_ + "/model.safetensors.index.json") << R"({"weight_map":{)" << weight_map << "}}";
  }

  std::string dir_;
};

TEST_F(InspectTest, ThePublishedFp8CheckpointByItsHeaders) {
  write_fp8_headers();
  const auto found = inspect_directory(dir_);
  ASSERT_TRUE(found.ok()) << found.status().message();
  const Json report = inspection_json(*found);
  EXPECT_EQ(report["n_tensors"], 118629);
  EXPECT_EQ(report["stored_bytes"], 755617140416);
  EXPECT_EQ(report["total"]["parameters"], 753329940480);
  EXPECT_EQ(report["total"]["bytes"], 755617140416);
  EXPECT_EQ(report["total"]["active_parameters"], 40298947584);
  EXPECT_EQ(report["kv_bytes_per_token"]["latent"], 79 * 576 * 2);
  EXPECT_EQ(report["kv_bytes_per_token"]["index"], 22 * 128 * 2);
  EXPECT_EQ(report["kv_bytes_per_token"]["total"]["fp8_ds_mla"], 79 * 656 + 22 * 132);
  EXPECT_EQ(report["kv_bytes_per_token"]["total"]["fp8_e4m3"], 79 * 576 + 22 * 132);
  EXPECT_EQ(report["missing"].size() + report["extra"].size() + report["faults"].size(), 0u);
  EXPECT_EQ(report["incomplete"].size(), 2u);  // no data
  EXPECT_EQ(report["loads"], false);
  const std::string text = inspection_text(*found);
  EXPECT_THAT(text, HasSubstr("118,629 tensors in 2 files, 755.62 GB"));
  EXPECT_THAT(text, HasSubstr("22 full layers, 57 shared"));
  EXPECT_THAT(text, HasSubstr("fp8-e4m3-block128"));
}

TEST_F(InspectTest, MissingTensorsAndShardsAreNamed) {
  use_config("/tests/golden/model/mtp/config.json");
  write_fp8_headers("model.layers.3.mlp.experts.7.up_proj.weight");
  EXPECT_THAT(inspection_text(inspect_directory(dir_).value()),
              HasSubstr("Missing tensors:\n  - model.layers.3.mlp.experts.7.up_proj.weight\n"));
  fs::remove(dir_ + "/1.safetensors");
  const std::string text = inspection_text(inspect_directory(dir_).value());
  EXPECT_THAT(text, HasSubstr("/1.safetensors: missing"));
  EXPECT_THAT(text, HasSubstr("- model.layers.*.mlp.experts.*.up_proj.weight ("));
  EXPECT_THAT(text, HasSubstr("NOT LOADABLE"));
}

TEST_F(InspectTest, AConfigAlone) {
  const auto found = inspect_directory(dir_);
  ASSERT_TRUE(found.ok()) << found.status().message();
  const Json report = inspection_json(*found);
  EXPECT_EQ(report["total"]["parameters"], 753329940480);
  EXPECT_EQ(report["n_tensors"], 0);
  EXPECT_EQ(report["loads"], false);
  EXPECT_THAT(inspection_text(*found), HasSubstr("the numbers follow from config.json alone"));
}

TEST(Inspect, TheBundledModelLoads) {
  const auto found = inspect_directory(std::string(DB_SOURCE_DIR) + "/models/glm52-nano");
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_TRUE(found->loads());
  EXPECT_THAT(inspection_text(*found), HasSubstr("all that the config asks for is there"));
}

TEST(Inspect, ADirectoryWithoutAModelIsAnError) {
  EXPECT_THAT(inspect_directory(process_directory("nothing")).status().message(), HasSubstr("config.json"));
}

}  // namespace
}  // namespace drawbridge
