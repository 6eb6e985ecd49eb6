#include "weights/compact.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

namespace drawbridge {
namespace {

/// Numbers of random MXFP4 blocks, as bf16.
std::vector<uint16_t> mxfp4_values(int64_t n, std::mt19937& rng) {
  std::vector<uint16_t> values;
  float scale = 1;
  for (int64_t i = 0; i < n; ++i) {
    if (i % kMxfp4Block == 0) scale = e8m0_to_f32(static_cast<uint8_t>(100 + rng() % 50));
    values.push_back(f32_to_bf16(e2m1_to_f32(static_cast<uint8_t>(rng() % 16)) * scale));
  }
  return values;
}

TEST(Compact, KeepsEveryBit) {
  std::mt19937 rng(5);
  std::vector<uint16_t> values = mxfp4_values(24 * 96, rng);
  std::fill_n(values.begin(), 32, uint16_t{0});
  for (int64_t i = 32; i < 64; ++i) values[static_cast<size_t>(i)] = 0x3f00;  // all 0.5
  const Matrix w{WeightFormat::kBF16, 24, 96, values.data(), nullptr};
  PackedStore store;
  const auto compact = as_mxfp4(w, store);
  ASSERT_TRUE(compact);
  std::vector<float> wanted(96), found(96);
  for (int64_t n = 0; n < 24; ++n) {
    dequantize_row(w, n, wanted.data());
    dequantize_row(*compact, n, found.data());
    for (size_t k = 0; k < 96; ++k) {
      ASSERT_EQ(std::bit_cast<uint32_t>(found[k]), std::bit_cast<uint32_t>(wanted[k])) << n << " " << k;
    }
  }
}

TEST(Compact, RefusesWhatIsNotExact) {
  std::mt19937 rng(6);
  const std::vector<uint16_t> good = mxfp4_values(2 * 64, rng);
  PackedStore store;
  // Two bits of mantissa, a number far below its block's largest, an infinity, a NaN, a subnormal.
  for (const uint16_t bad :
       {uint16_t{0x3fa0}, uint16_t{0x1000}, uint16_t{0x7f80}, uint16_t{0x7fc1}, uint16_t{0x0001}}) {
    std::vector<uint16_t> values = good;
    values[100] = bad;
    EXPECT_FALSE(as_mxfp4({WeightFormat::kBF16, 2, 64, values.data(), nullptr}, store)) << bad;
  }
  EXPECT_FALSE(as_mxfp4({WeightFormat::kBF16, 2, 48, good.data(), nullptr}, store));
  EXPECT_EQ(store.bytes(), 0);
}

/// Two heads of 32 rows of keys and 32 of values, 32 wide. Scales that are alike serve both ways.
TEST(Compact, HalvesOfKvBAreCompactWhereThatIsExact) {
  std::vector<uint16_t> values(4 * 32 * 32, 0x3f00);  // 0.5
  const Matrix kv_b{WeightFormat::kBF16, 4 * 32, 32, values.data(), nullptr};
  PackedStore store;
  const SplitKvB compact = absorbed_kv_b(kv_b, 2, 32, store);
  EXPECT_EQ(compact.k_b.format, WeightFormat::kMxfp4);
  EXPECT_EQ(compact.v_b.format, WeightFormat::kMxfp4);
  values[0] = 0x3fa0;  // 1.25, of a key
  const SplitKvB mixed = absorbed_kv_b(kv_b, 2, 32, store);
  EXPECT_EQ(mixed.k_b.format, WeightFormat::kBF16);
  EXPECT_EQ(mixed.v_b.format, WeightFormat::kMxfp4);
  std::vector<float> row(32);
  dequantize_row(mixed.k_b, 0, row.data());
  EXPECT_EQ(row[0], 1.25f);
  EXPECT_EQ(row[1], 0.5f);
}

}  // namespace
}  // namespace drawbridge
