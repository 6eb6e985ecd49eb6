// Replays the fuzzers' corpora: every stored input that once was interesting stays harmless.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/mapped_file.h"
#include "text/fuzz_bodies.h"

namespace drawbridge {
namespace {

template <typename Body>
int replay(const std::string& name, Body body) {
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(DB_SOURCE_DIR "/tests/fuzz/" + name)) {
    const auto input = read_text_file(entry.path().string(), 1 << 20);
    EXPECT_TRUE(input.ok()) << entry.path();
    if (input.ok()) body(*input);
    ++n;
  }
  return n;
}

TEST(FuzzCorpus, TokenizerJson) {
  EXPECT_GE(replay("tokenizer_json", fuzz_tokenizer_json), 10);
}
TEST(FuzzCorpus, OutputParser) {
  EXPECT_GE(replay("output_parser", fuzz_output_parser), 10);
}

}  // namespace
}  // namespace drawbridge
