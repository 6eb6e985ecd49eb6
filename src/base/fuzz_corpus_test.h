// For tests: replays a fuzzer's corpus, so that every stored input that once was interesting stays harmless.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/mapped_file.h"

namespace drawbridge {

/// Runs `body` on each file of tests/fuzz/`name`; how many there were.
template <typename Body>
int replay_fuzz_corpus(const std::string& name, Body body) {
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(DB_SOURCE_DIR "/tests/fuzz/" + name)) {
    const auto input = read_text_file(entry.path().string(), 1 << 20);
    EXPECT_TRUE(input.ok()) << entry.path();
    if (input.ok()) body(*input);
    ++n;
  }
  return n;
}

}  // namespace drawbridge
