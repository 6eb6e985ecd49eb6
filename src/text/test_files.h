// For tests of this folder: compressed data files and the one real tokenizer, loaded once per program.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <string>

#include "text/tokenizer.h"

namespace drawbridge {

/// The content of tests/data/text/`name`, decompressed if it is gzip.
inline std::string read_test_file(const std::string& name) {
  const std::string path = DB_SOURCE_DIR "/tests/data/text/" + name;
  gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr) << path;
  std::string content;
  std::array<char, 65536> buffer;
  for (int n = 1; file != nullptr && n > 0;) {
    n = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()));
    if (n > 0) content.append(buffer.data(), static_cast<size_t>(n));
  }
  if (file != nullptr) gzclose(file);
  return content;
}

inline const Tokenizer& glm46_tokenizer() {
  static const Tokenizer kTokenizer = [] {
    auto parsed = Tokenizer::parse(read_test_file("glm-4.6.json.gz"), "glm-4.6.json.gz");
    EXPECT_TRUE(parsed.ok()) << parsed.status().message();
    return std::move(parsed).value();
  }();
  return kTokenizer;
}

}  // namespace drawbridge
