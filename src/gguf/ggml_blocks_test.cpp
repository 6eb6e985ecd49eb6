// ggml's blocks: where each element lies, and that reordering loses nothing.
#include "gguf/ggml_blocks.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "tensor/dtype.h"

namespace drawbridge {
namespace {

using Mxfp4Block = std::array<std::byte, 17>;

/// Byte j holds code j % 16 in its low nibble and 15 - j in its high one, at scale 2.
Mxfp4Block counting_block() {
  Mxfp4Block block{};
  block[0] = std::byte{128};
  for (size_t j = 0; j < 16; ++j) block[1 + j] = static_cast<std::byte>(j | ((15 - j) << 4));
  return block;
}

TEST(GgmlBlocks, LowNibblesAreTheFirstHalf) {
  const Mxfp4Block block = counting_block();
  std::array<float, 32> values{};
  decode_ggml_row(GgmlType::kMxfp4, block.data(), 32, values.data());
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(values[i], 2 * e2m1_to_f32(static_cast<uint8_t>(i)));
    EXPECT_EQ(values[16 + i], 2 * e2m1_to_f32(static_cast<uint8_t>(15 - i)));
  }
}

TEST(GgmlBlocks, OurPairsAreNeighbours) {
  const Mxfp4Block block = counting_block();
  std::array<uint8_t, 16> pairs{};
  EXPECT_EQ(unpack_mxfp4_block(block.data(), pairs.data()), 128);
  EXPECT_EQ(pairs[0], 0x10);   // elements 0 and 1
  EXPECT_EQ(pairs[7], 0xfe);   // elements 14 and 15
  EXPECT_EQ(pairs[8], 0xef);   // elements 16 and 17: the high nibbles of bytes 0 and 1
  EXPECT_EQ(pairs[15], 0x01);  // elements 30 and 31
  Mxfp4Block again{};
  pack_mxfp4_block(pairs.data(), 128, again.data());
  EXPECT_EQ(again, block);
}

TEST(GgmlBlocks, Q8IsScaleTimesInt8) {
  std::array<int8_t, 32> codes{};
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<int8_t>(8 * static_cast<int>(i) - 128);
  std::array<std::byte, 34> block{};
  pack_q8_0_block(codes.data(), f32_to_f16(0.25f), block.data());
  std::array<float, 32> values{};
  decode_ggml_row(GgmlType::kQ8_0, block.data(), 32, values.data());
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(values[i], static_cast<float>(codes[i]) * 0.25f);
}

class EveryType : public testing::TestWithParam<GgmlType> {};

/// Small multiples of a power of two are held exactly by every type.
TEST_P(EveryType, HoldsWhatItCanExactly) {
  constexpr std::array<float, 8> kValues = {0, 0.5f, -1, 1.5f, 2, -3, 4, -6};
  std::vector<float> row(64);
  for (size_t i = 0; i < row.size(); ++i) row[i] = kValues[i % 8] / 64;
  std::vector<std::byte> encoded(static_cast<size_t>(ggml_row_bytes(GetParam(), 64)));
  ASSERT_TRUE(encode_ggml_row(GetParam(), row, encoded.data()));
  std::vector<float> decoded(64);
  decode_ggml_row(GetParam(), encoded.data(), 64, decoded.data());
  for (size_t i = 0; i < row.size(); ++i) {
    // Q8_0 has 127 steps and an f16 scale: near, not equal.
    const float slack = GetParam() == GgmlType::kQ8_0 ? 6.0f / 64 / 127 : 0.0f;
    EXPECT_NEAR(decoded[i], row[i], slack) << i;
  }
}

TEST_P(EveryType, RefusesWhatItCannotHold) {
  std::vector<float> row(32, 1.0f);
  std::vector<std::byte> encoded(128);
  row[7] = std::numeric_limits<float>::infinity();
  const bool is_block = ggml_block_elements(GetParam()) > 1;
  EXPECT_EQ(encode_ggml_row(GetParam(), row, encoded.data()), !is_block);
  row[7] = NAN;
  EXPECT_EQ(encode_ggml_row(GetParam(), row, encoded.data()), !is_block);
  row[7] = 1e30f;
  const bool is_narrow = GetParam() == GgmlType::kF16 || GetParam() == GgmlType::kQ8_0;
  EXPECT_EQ(encode_ggml_row(GetParam(), row, encoded.data()), !is_narrow);
}

INSTANTIATE_TEST_SUITE_P(Types, EveryType,
                         testing::Values(GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16, GgmlType::kQ8_0,
                                         GgmlType::kMxfp4),
                         [](const auto& type) { return ggml_type_name(type.param); });

}  // namespace
}  // namespace drawbridge
