// Replays the fuzzer's corpus: every stored input that once was interesting stays harmless.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/mapped_file.h"
#include "server/fuzz_bodies.h"

namespace drawbridge {
namespace {

TEST(FuzzCorpus, ApiRequest) {
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(DB_SOURCE_DIR "/tests/fuzz/api_request")) {
    const auto input = read_text_file(entry.path().string(), 1 << 20);
    ASSERT_TRUE(input.ok()) << entry.path();
    fuzz_api_request(*input);
    ++n;
  }
  EXPECT_GE(n, 10);
}

}  // namespace
}  // namespace drawbridge
