// For tests: a small model to quantize, in a directory of this process alone.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"
#include "model/random_checkpoint_test.h"
#include "quantize/quantize.h"

namespace drawbridge {

class QuantizeFixture : public testing::Test {
 protected:
  void SetUp() override {
    namespace fs = std::filesystem;
    base_ = process_directory("quantize");
    fs::remove_all(base_);
    fs::create_directories(base_ + "/source");
    fs::copy_file(DB_SOURCE_DIR "/tests/golden/model/mtp/config.json", base_ + "/source/config.json");
    config_ = load_glm52_config(base_ + "/source").value();
    ASSERT_TRUE(write_random_checkpoint(config_, base_ + "/source", [](const std::string& name) { return name; }).ok());
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  QuantizeOptions options(const std::string& target = "target") const {
    QuantizeOptions o;
    o.source = base_ + "/source";
    o.target = base_ + "/" + target;
    o.n_threads = 2;
    return o;
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(base_ + "/" + name); }
  /// Every file of a directory but the manifest's own account: name -> content.
  std::map<std::string, std::string> contents(const std::string& directory) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(base_ + "/" + directory)) {
      files[entry.path().filename().string()] = read_text_file(entry.path().string(), 1 << 28).value();
    }
    return files;
  }
  /// Overwrites bytes of a file.
  void patch(const std::string& name, int64_t at, const std::string& bytes) const {
    std::fstream file(base_ + "/" + name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  }

  std::string base_;
  Glm52Config config_;
};

}  // namespace drawbridge
