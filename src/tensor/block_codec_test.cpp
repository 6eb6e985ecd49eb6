#include "tensor/block_codec.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace drawbridge {
namespace {

TEST(BlockCodec, E4m3EncodesEveryCodeToItself) {
  for (int code = 0; code < 256; ++code) {
    const float value = e4m3_to_f32(static_cast<uint8_t>(code));
    if (std::isnan(value)) continue;
    ASSERT_EQ(f32_to_e4m3(value), code) << value;
  }
}

TEST(BlockCodec, E4m3RoundsToTheNearestAndTiesToEven) {
  for (uint8_t code = 0; code < 0x7e; ++code) {
    const float low = e4m3_to_f32(code), high = e4m3_to_f32(static_cast<uint8_t>(code + 1));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(f32_to_e4m3(middle), code % 2 == 0 ? code : code + 1) << middle;
    ASSERT_EQ(f32_to_e4m3(std::nextafter(middle, 0.0f)), code) << middle;
    ASSERT_EQ(f32_to_e4m3(-std::nextafter(middle, 1000.0f)), 0x80 | (code + 1)) << middle;
  }
  EXPECT_EQ(f32_to_e4m3(1e30f), 0x7e);
  EXPECT_EQ(f32_to_e4m3(-std::numeric_limits<float>::infinity()), 0xfe);
  EXPECT_EQ(f32_to_e4m3(NAN), 0x7f);
}

TEST(BlockCodec, E2m1TiesGoToTheEvenCode) {
  const std::array<std::pair<float, float>, 9> ties = {
      {{0.25f, 0}, {0.75f, 1}, {1.25f, 1}, {1.75f, 2}, {2.5f, 2}, {3.5f, 4}, {5, 4}, {5.01f, 6}, {1000, 6}}};
  for (const auto& [value, wanted] : ties) {
    EXPECT_EQ(e2m1_to_f32(f32_to_e2m1(value)), wanted) << value;
    EXPECT_EQ(e2m1_to_f32(f32_to_e2m1(-value)), -wanted) << value;
  }
  EXPECT_EQ(f32_to_e2m1(-0.0f), 8);
}

TEST(BlockCodec, ExponentsOfTheThreeRules) {
  struct Case {
    float a;
    int floor, even, ceil;
  };
  // 2^-149 is the smallest subnormal: all rules reach the lowest exponent.
  for (const Case& c :
       {Case{1.0f, -2, -2, -2}, Case{1.51f, -2, -2, -1}, Case{1.75f, -2, -1, -1}, Case{3.4f, -1, -1, 0},
        Case{3.5f, -1, 0, 0}, Case{6.0f, 0, 0, 0}, Case{6.99f, 0, 0, 1}, Case{7.0f, 0, 1, 1},
        Case{0.0f, -127, -127, -127}, Case{0x1p-149f, -127, -127, -127}, Case{0x1.fffffep127f, 125, 127, 126}}) {
    EXPECT_EQ(mxfp4_exponent(c.a, ScaleRule::kFloor), c.floor) << c.a;
    EXPECT_EQ(mxfp4_exponent(c.a, ScaleRule::kEven), c.even) << c.a;
    EXPECT_EQ(mxfp4_exponent(c.a, ScaleRule::kCeil), c.ceil) << c.a;
  }
}

TEST(BlockCodec, Mxfp4BlockKeepsWhatTheFormatCanSay) {
  std::array<float, 32> x = {};
  for (int i = 0; i < 16; ++i) x[static_cast<size_t>(i)] = 4 * e2m1_to_f32(static_cast<uint8_t>(i));
  std::array<uint8_t, 16> codes = {};
  const int exponent = mxfp4_exponent(max_abs(x), ScaleRule::kEven);
  encode_mxfp4_block(x, exponent, codes);
  const auto scale = static_cast<uint8_t>(exponent + 127);
  std::array<float, 32> back = {};
  dequantize_row(Matrix{WeightFormat::kMxfp4, 1, 32, codes.data(), &scale}, 0, back.data());
  EXPECT_EQ(back, x);
}

/// The block encoder has its own arithmetic; f32_to_e2m1 is the plain statement of the rule.
TEST(BlockCodec, Mxfp4BlockRoundsAsSingleValuesDo) {
  for (uint32_t start = 0; start < 0x1000; ++start) {
    std::array<float, 32> x = {};
    for (uint32_t i = 0; i < 32; ++i) x[i] = std::bit_cast<float>((start * 32 + i) << 15 | (i % 2) << 31);
    if (std::isnan(max_abs(x))) continue;
    std::array<uint8_t, 16> codes = {};
    encode_mxfp4_block(x, -1, codes);
    for (size_t i = 0; i < x.size(); ++i) {
      const uint8_t wanted = f32_to_e2m1(x[i] * 2);
      const uint8_t found = i % 2 == 0 ? codes[i / 2] & 0xf : codes[i / 2] >> 4;
      ASSERT_EQ(found, wanted == 8 ? 0 : wanted) << x[i];
    }
  }
}

TEST(BlockCodec, TheLargestOfNumbersAndOfNaN) {
  EXPECT_EQ(max_abs(std::array<float, 3>{-0.0f, -3.0f, 2.0f}), 3.0f);
  EXPECT_EQ(max_abs(std::span<const float>()), 0.0f);
  EXPECT_TRUE(std::isnan(max_abs(std::array<float, 3>{1.0f, -NAN, INFINITY})));
}

TEST(BlockCodec, Q8BlockIsWithinHalfAStep) {
  std::array<float, 32> x = {}, back = {};
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i) * 1.7f) * 3;
  std::array<int8_t, 32> codes = {};
  const uint16_t scale = encode_q8_block(x, codes);
  dequantize_row(Matrix{WeightFormat::kQ8, 1, 32, codes.data(), &scale}, 0, back.data());
  // Half a step of rounding, and the scale's own rounding to f16 (2^-11) over 127 steps.
  const float step = f16_to_f32(scale), bound = step * (0.5f + 127 * 0x1p-11f);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(back[i], x[i], bound) << i;
  EXPECT_EQ(encode_q8_block(std::array<float, 32>{}, codes), 0);
}

}  // namespace
}  // namespace drawbridge
