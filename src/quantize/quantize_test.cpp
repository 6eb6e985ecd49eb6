// Whole runs on small models: what is written, that it is read back as what it should be, and that nothing goes wrong
// quietly.
#include "quantize/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"
#include "checkpoint/matrix_source.h"
#include "model/inventory.h"
#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kConfig = std::string(DB_SOURCE_DIR) + "/tests/golden/model/mtp/config.json";

class QuantizeTest : public testing::Test {
 protected:
  void SetUp() override {
    base_ = process_directory("quantize");
    fs::remove_all(base_);
    fs::create_directories(base_ + "/source");
    fs::copy_file(kConfig, base_ + "/source/config.json");
    config_ = load_glm52_config(base_ + "/source").value();
    ASSERT_TRUE(write_random_checkpoint(config_, base_ + "/source", [](const std::string& name) { return name; }).ok());
  }
  void TearDown() override { fs::remove_all(base_); }

  QuantizeOptions options(Recipe recipe = Recipe::kAmd) const {
    QuantizeOptions o;
    o.source = base_ + "/source";
    o.target = base_ + "/target";
    o.plan.recipe = recipe;
    o.n_threads = 2;
    return o;
  }
  static std::vector<float> row(const Checkpoint& file, const std::string& module, int64_t n, int64_t k, int64_t i) {
    std::vector<float> values(static_cast<size_t>(k));
    dequantize_row(find_matrix(file, module, n, k).value(), i, values.data());
    return values;
  }

  std::string base_;
  Glm52Config config_;
};

TEST_F(QuantizeTest, AmdStoresExpertsOfMainLayersInMxfp4) {
  const auto report = quantize(options());
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_THAT(report->notices, IsEmpty());
  const Glm52Config config = load_glm52_config(base_ + "/target").value();
  const Checkpoint source = Checkpoint::open(base_ + "/source").value();
  const Checkpoint target = Checkpoint::open(base_ + "/target").value();
  const Inventory inventory = take_inventory(config, target);
  EXPECT_THAT(inventory.missing, IsEmpty());
  EXPECT_THAT(inventory.extra, IsEmpty());
  EXPECT_THAT(inventory.faults, IsEmpty());
  EXPECT_THAT(inventory.notices, IsEmpty());
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    const bool is_expert = tensor.part == ModelPart::kRoutedExpert || tensor.part == ModelPart::kSharedExpert;
    const Tensor& before = *source.find(tensor.name);
    const Tensor& after = *target.find(tensor.name);
    if (is_expert && tensor.layer < config.n_layers) {
      EXPECT_EQ(after.dtype, DType::kU8) << tensor.name;
    } else {
      EXPECT_TRUE(std::equal(before.data.begin(), before.data.end(), after.data.begin(), after.data.end()))
          << tensor.name;
    }
  }
}

}  // namespace
}  // namespace drawbridge
