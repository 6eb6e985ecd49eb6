#include "tensor/input_codec.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace drawbridge {
namespace {

constexpr InputCodec kCodecs[] = {InputCodec::kInt8, InputCodec::kMxfp8, InputCodec::kMxfp4};

double largest_code(InputCodec codec) {
  return codec == InputCodec::kInt8 ? 127 : codec == InputCodec::kMxfp8 ? 448 : 6;
}

/// Half the spacing of the grid around v, in units of 2^E; beyond the largest code, the distance to it.
double half_spacing(InputCodec codec, double v) {
  const double size = std::fabs(v), beyond = std::max(size - largest_code(codec), 0.0);
  if (codec == InputCodec::kInt8) return std::max(0.5, beyond);
  const int mantissa = codec == InputCodec::kMxfp8 ? 3 : 1, lowest = codec == InputCodec::kMxfp8 ? -6 : 0;
  const int exponent = size == 0 ? lowest : std::max(std::ilogb(size), lowest);
  return std::max(std::ldexp(0.5, exponent - mantissa), beyond);
}

std::vector<float> quantized(InputCodec codec, std::vector<float> row) {
  quantize_input(codec, row);
  return row;
}

/// Values of all sizes and signs, some zero; each row at another magnitude, down to subnormals.
std::vector<float> draw_row(std::mt19937& random, size_t n) {
  const int base = static_cast<int>(random() % 250) - 140;
  std::vector<float> row;
  for (size_t i = 0; i < n; ++i) {
    const float unit = static_cast<float>(random() >> 8) / 8388608.0f - 1.0f;
    row.push_back(random() % 9 == 0 ? 0.0f : std::ldexp(unit, base - static_cast<int>(random() % 12)));
  }
  return row;
}

float max_of(const std::vector<float>& row) {
  float largest = 0;
  for (const float v : row) largest = std::max(largest, std::fabs(v));
  return largest;
}

TEST(InputCodec, EachValueIsTheNearestOfItsGrid) {
  std::mt19937 random(1);
  for (const InputCodec codec : kCodecs) {
    for (int round = 0; round < 400; ++round) {
      const auto row = draw_row(random, 32), found = quantized(codec, row);
      const int e = input_exponent(codec, max_of(row));
      for (size_t i = 0; i < row.size(); ++i) {
        const double unit = std::ldexp(row[i], -e), code = std::ldexp(found[i], -e);
        ASSERT_LE(std::fabs(code - unit), half_spacing(codec, unit)) << input_codec_name(codec) << " " << row[i];
        ASSERT_LE(std::fabs(code), largest_code(codec));
        ASSERT_EQ(quantized(codec, found)[i], found[i]) << "no grid";
      }
    }
  }
}

/// What a block loses, as a share of its largest value. int8 and MXFP8 scale so that the largest code is used to more
/// than half: 127 * 2^E < 2 a, so half a step is below a / 127; E4M3 loses up to 16 from 256 on; E2M1 up to 1 at 5.
TEST(InputCodec, ABlockLosesAtMostItsShare) {
  std::mt19937 random(2);
  const auto worst = [&](InputCodec codec) {
    double share = 0;
    for (int round = 0; round < 3000; ++round) {
      auto row = draw_row(random, 32);
      if (max_of(row) < 0x1p-100f) continue;  // E stops at -127
      const auto found = quantized(codec, row);
      for (size_t i = 0; i < row.size(); ++i) {
        share = std::max(share, static_cast<double>(std::fabs(found[i] - row[i]) / max_of(row)));
      }
    }
    return share;
  };
  const double int8 = worst(InputCodec::kInt8), fp8 = worst(InputCodec::kMxfp8), fp4 = worst(InputCodec::kMxfp4);
  EXPECT_LE(int8, 1.0 / 127);
  EXPECT_GT(int8, 0.8 / 127);
  EXPECT_LE(fp8, 1.0 / 16);
  EXPECT_GT(fp8, 0.8 / 16);
  EXPECT_LE(fp4, 1.0 / 5);
  EXPECT_GT(fp4, 0.8 / 5);
}

TEST(InputCodec, ExponentsAtTheirEdges) {
  EXPECT_EQ(input_exponent(InputCodec::kInt8, 127.0f), 0);
  EXPECT_EQ(input_exponent(InputCodec::kInt8, std::nextafter(127.0f, 200.0f)), 1);
  EXPECT_EQ(input_exponent(InputCodec::kMxfp8, 448.0f), 0);
  EXPECT_EQ(input_exponent(InputCodec::kMxfp8, std::nextafter(448.0f, 500.0f)), 1);
  EXPECT_EQ(input_exponent(InputCodec::kMxfp4, std::nextafter(7.0f, 0.0f)), 0);
  EXPECT_EQ(input_exponent(InputCodec::kMxfp4, 7.0f), 1);
  for (const InputCodec codec : kCodecs) {
    EXPECT_EQ(input_exponent(codec, 0.0f), -127);
    EXPECT_EQ(input_exponent(codec, 0x1p-149f), -127);
  }
}

TEST(InputCodec, NormalNumbersOfEveryGridAreExactInBf16) {
  std::mt19937 random(3);
  for (const InputCodec codec : kCodecs) {
    for (int round = 0; round < 400; ++round) {
      for (const float v : quantized(codec, draw_row(random, 32))) {
        if (std::fabs(v) >= 0x1p-126f) {
          ASSERT_EQ(v, round_to_bf16(v));
        }
      }
    }
  }
}

TEST(InputCodec, BlocksDoNotKnowEachOther) {
  std::mt19937 random(4);
  for (const InputCodec codec : kCodecs) {
    const auto row = draw_row(random, 77), found = quantized(codec, row);
    for (size_t from = 0; from < row.size(); from += 32) {
      const size_t n = std::min(row.size() - from, size_t{32});
      const std::vector<float> block(row.begin() + static_cast<long>(from), row.begin() + static_cast<long>(from + n));
      const auto alone = quantized(codec, block);
      EXPECT_TRUE(std::equal(alone.begin(), alone.end(), found.begin() + static_cast<long>(from)));
    }
  }
}

TEST(InputCodec, ZerosStayAndWhatIsNotFiniteSpreadsOverItsBlock) {
  for (const InputCodec codec : kCodecs) {
    EXPECT_EQ(quantized(codec, std::vector<float>(40, 0.0f)), std::vector<float>(40, 0.0f));
    for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), NAN}) {
      std::vector<float> row(64, 1.0f);
      row[45] = bad;
      const auto found = quantized(codec, row);
      for (size_t i = 0; i < 32; ++i) EXPECT_EQ(found[i], 1.0f);
      for (size_t i = 32; i < 64; ++i) EXPECT_TRUE(std::isnan(found[i]));
    }
  }
}

TEST(InputCodec, NoneLeavesARowAlone) {
  const std::vector<float> row = {0.1f, -3e38f, NAN};
  const auto found = quantized(InputCodec::kNone, row);
  EXPECT_EQ(found[0], row[0]);
  EXPECT_EQ(found[1], row[1]);
  EXPECT_TRUE(std::isnan(found[2]));
}

TEST(InputCodec, FourBitInputsGoWithFourBitWeightsAlone) {
  for (const InputCodec codec : kCodecs) {
    EXPECT_EQ(codec_for_weights(codec, WeightFormat::kMxfp4), codec);
    EXPECT_EQ(codec_for_weights(codec, WeightFormat::kBF16), InputCodec::kNone);
    EXPECT_EQ(codec_for_weights(codec, WeightFormat::kF32), InputCodec::kNone);
    EXPECT_EQ(codec_for_weights(codec, WeightFormat::kFp8Block),
              codec == InputCodec::kMxfp4 ? InputCodec::kNone : codec);
  }
}

}  // namespace
}  // namespace drawbridge
