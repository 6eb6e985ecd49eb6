#include "quantize/size_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

class SizeReportTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = process_directory("size_report");
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    fs::copy_file(DB_SOURCE_DIR "/tests/data/configs/glm-5.2.json", dir_ + "/config.json");
  }
  void TearDown() override { fs::remove_all(dir_); }

  SizeReport report(Recipe recipe) const {
    PlanOptions options;
    options.recipe = recipe;
    const auto plan = plan_directory(dir_, options);
    DB_CHECK(plan.ok());
    return make_size_report(*plan);
  }

  std::string dir_;
};

/// 753,329,940,480 parameters of which 19,456 are f32; an expert is three matrices of 2,048 x 6,144 at 4.25 bits.
TEST_F(SizeReportTest, BytesOfGlm52) {
  const SizeReport amd = report(Recipe::kAmd);
  EXPECT_EQ(amd.total.parameters, 753329940480);
  EXPECT_EQ(amd.total.before_bytes, 2 * 753329940480 + 2 * 19456);
  constexpr int64_t kExperts = 75 * (256 + 1);
  EXPECT_EQ(amd.total.before_bytes - amd.total.after_bytes, kExperts * (75497472 - 20054016));
  int64_t sum = 0;
  for (const PartSizes& part : amd.parts) sum += part.after_bytes;
  EXPECT_EQ(sum, amd.total.after_bytes);
}

TEST_F(SizeReportTest, DecodeBytesOfGlm52) {
  const auto after = [](const SizeReport& r) {
    std::vector<double> gigabytes;
    for (const DecodeBytes& d : r.decode) gigabytes.push_back(std::round(d.after_bytes / 1e8) / 10);
    return gigabytes;
  };
  const SizeReport amd = report(Recipe::kAmd);
  EXPECT_THAT(after(amd), testing::ElementsAre(43.2, 117.5, 365.7));
  EXPECT_THAT(after(report(Recipe::kExpertsFp8)), testing::ElementsAre(29.4, 103.8, 352.0));
  EXPECT_NEAR(amd.decode[0].before_bytes, 80.6e9, 0.05e9);
  EXPECT_NEAR(amd.decode[0].n_experts, 8, 1e-9);
  EXPECT_NEAR(amd.decode[2].n_experts, 222.44, 0.005);
}

TEST_F(SizeReportTest, WhatFits) {
  for (const Fit& fit : report(Recipe::kAmd).fits) {
    const bool fits = static_cast<double>(fit.n_devices * fit.device_bytes) * 0.9 >= 438e9;
    EXPECT_EQ(fit.after_tokens >= 0, fits) << fit.n_devices << " x " << fit.device_bytes;
    EXPECT_LE(fit.before_tokens, fit.after_tokens);
  }
}

TEST_F(SizeReportTest, ADirectoryWithoutAConfigIsAnError) {
  fs::remove(dir_ + "/config.json");
  EXPECT_THAT(plan_directory(dir_, {}).status().message(), testing::HasSubstr("config.json"));
}

}  // namespace
}  // namespace drawbridge
