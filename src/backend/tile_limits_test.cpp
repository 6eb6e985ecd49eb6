#include "backend/tile_limits.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/backend.h"

namespace drawbridge {
namespace {

ProductKey key_of(PanelInput input, WeightFormat format) {
  ProductKey key;
  key.input = input;
  key.format = format;
  return key;
}

TEST(TileLimits, WithoutAnyAPlanStaysAsItIs) {
  const TilePlan plan{kMaxTileColumns, true, 8};
  EXPECT_EQ(TileLimits().apply(key_of(PanelInput::kInt8, WeightFormat::kQ8), plan), plan);
  EXPECT_EQ(tile_limits("scalar").apply(key_of(PanelInput::kF32, WeightFormat::kBF16), plan), plan);
  EXPECT_EQ(tile_limits("another CPU's").apply(key_of(PanelInput::kF32, WeightFormat::kBF16), plan), plan);
}

/// panel_f32-inl.h: 2 columns of 16 rows fit the 16 registers of 4 floats; all formats are decoded.
TEST(TileLimits, OfPortableKernels) {
  const TileLimits limits = tile_limits("portable");
  EXPECT_EQ(limits.apply(key_of(PanelInput::kF32, WeightFormat::kBF16), {16, true, 4}), (TilePlan{2, true, 4}));
  EXPECT_EQ(limits.apply(key_of(PanelInput::kF32, WeightFormat::kBF16), {1, false, 4}), (TilePlan{1, false, 4}));
}

/// panel_int8_avx2-inl.h.
TEST(TileLimits, OfAvx2Kernels) {
  const auto usable = usable_cpu_isas();
  if (std::find(usable.begin(), usable.end(), "avx2") == usable.end()) GTEST_SKIP() << "no AVX2";
  const TileLimits limits = tile_limits("avx2");
  EXPECT_EQ(limits.apply(key_of(PanelInput::kInt8, WeightFormat::kMxfp4), {16, true, 8}), (TilePlan{4, false, 8}));
  EXPECT_EQ(limits.apply(key_of(PanelInput::kF32, WeightFormat::kMxfp4), {16, true, 8}), (TilePlan{6, true, 8}));
}

}  // namespace
}  // namespace drawbridge
