// Resident memory of a run does not grow with the model: a source much larger than what a run may add to it.
#include "quantize/test_source_test.h"

#include "base/json.h"

namespace drawbridge {
namespace {

/// Kilobytes of a line of /proc/self/status, such as "VmHWM".
int64_t status_kilobytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1));
  }
  return -1;
}

class MemoryTest : public QuantizeFixture {};

TEST_F(MemoryTest, DoesNotGrowWithTheModel) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep what is freed";
#endif
  const std::string path = base_ + "/source/config.json";
  Json config = parse_json(read_text_file(path, 1 << 20).value(), path).value();
  config["vocab_size"] = 300'000;
  std::ofstream(path) << dump_json(config);
  const Glm52Config wide = load_glm52_config(base_ + "/source").value();
  ASSERT_TRUE(write_random_checkpoint(wide, base_ + "/source", [](const std::string& name) { return name; }).ok());
  const auto source_kilobytes =
      static_cast<int64_t>(std::filesystem::file_size(base_ + "/source/model.safetensors")) / 1024;

  std::ofstream("/proc/self/clear_refs") << 5;  // resets VmHWM
  const int64_t before = status_kilobytes("VmRSS");
  if (status_kilobytes("VmHWM") > before + 8'000) GTEST_SKIP() << "this kernel does not reset VmHWM";
  QuantizeOptions o = options();
  o.plan.overrides = {{"lm_head.weight", TargetFormat::kMxfp4}};
  ASSERT_TRUE(quantize(o).ok());
  const int64_t added = status_kilobytes("VmHWM") - before;
  EXPECT_GT(source_kilobytes, 140'000);
  EXPECT_LT(added, 48'000) << "of a source of " << source_kilobytes << " kB";
}

}  // namespace
}  // namespace drawbridge
