#include "http/chunk_decoder.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

struct Outcome {
  std::string body;
  bool done = false;
  Code code = Code::kOk;
  size_t n_left = 0;
};

Outcome decode(const std::string& text, size_t step = SIZE_MAX) {
  ChunkDecoder decoder(100, 64);
  Outcome outcome;
  size_t n = 0;
  while (n < text.size() && !decoder.done() && decoder.error().ok()) {
    n += decoder.feed(std::string_view(text).substr(n, step), outcome.body);
  }
  outcome.done = decoder.done();
  outcome.code = decoder.error().code();
  outcome.n_left = text.size() - n;
  return outcome;
}

TEST(ChunkDecoder, DecodesTheSameWhereverItIsCut) {
  const std::string text = "3\r\nhel\r\n2;x=\"y\"\r\nlo\r\n0\r\nA: b\r\nC: d\r\n\r\nnext";
  for (size_t step = 1; step <= text.size(); ++step) {
    const Outcome outcome = decode(text, step);
    EXPECT_TRUE(outcome.done) << step;
    EXPECT_EQ(outcome.body, "hello") << step;
    EXPECT_EQ(outcome.n_left, 4u) << step;
  }
}

TEST(ChunkDecoder, ReadsHexOfBothCasesAndLeadingZeros) {
  EXPECT_EQ(decode("A\r\n0123456789\r\n0\r\n\r\n").body, "0123456789");
  EXPECT_EQ(decode("0000a\r\n0123456789\r\n00\r\n\r\n").body, "0123456789");
}

TEST(ChunkDecoder, IsNotDoneBeforeTheLastLine) {
  EXPECT_FALSE(decode("0\r\n").done);
  EXPECT_FALSE(decode("0\r\n\r").done);
  EXPECT_TRUE(decode("0\r\n\r\n").done);
}

TEST(ChunkDecoder, RefusesBadForms) {
  for (const char* text : {"\r\n", ";x\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\na\r\n", " 1\r\na\r\n", "1 \r\na\r\n",
                           "1\na\r\n", "1\r\rb", "1\r\nab", "1\r\na\n", "1;\x01\r\n", "1;\n\r\n", "0\r\nno colon\r\n",
                           "0\r\n: b\r\n", "0\r\n a: b\r\n", "0\r\na: b\n\r\n", "0\r\na: \x01\r\n"}) {
    EXPECT_EQ(decode(text).code, Code::kCorrupt) << text;
  }
}

TEST(ChunkDecoder, ASizeCannotWrapAround) {
  ChunkDecoder decoder(SIZE_MAX, 64);
  std::string body;
  decoder.feed("10000000000000001\r\n", body);
  EXPECT_EQ(decoder.error().code(), Code::kOutOfRange);
}

TEST(ChunkDecoder, BoundsTheBodyAndEachLine) {
  EXPECT_EQ(decode("64\r\n" + std::string(100, 'a') + "\r\n0\r\n\r\n").body.size(), 100u);
  EXPECT_EQ(decode("65\r\n").code, Code::kOutOfRange);
  EXPECT_EQ(decode("60\r\n" + std::string(96, 'a') + "\r\n5\r\n").code, Code::kOutOfRange);
  EXPECT_EQ(decode("ffffffffffffffffff\r\n").code, Code::kOutOfRange);
  EXPECT_EQ(decode("1;" + std::string(100, 'x')).code, Code::kCorrupt);
  EXPECT_EQ(decode(std::string(100, '0')).code, Code::kCorrupt);
  EXPECT_EQ(
      decode("0\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\n").code,
      Code::kCorrupt);
}

}  // namespace
}  // namespace drawbridge
