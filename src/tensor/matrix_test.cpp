#include "tensor/matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tensor/view.h"

namespace drawbridge {
namespace {

TEST(DType, F16RoundTripsEveryFinitePattern) {
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const float value = f16_to_f32(static_cast<uint16_t>(bits));
    if (std::isnan(value)) continue;
    ASSERT_EQ(f32_to_f16(value), bits) << value;
  }
}

TEST(DType, Bf16RoundsTiesToEven) {
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f808000u)), 0x3f80u);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f818000u)), 0x3f82u);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f808001u)), 0x3f81u);
  EXPECT_TRUE(std::isnan(round_to_bf16(NAN)));
}

TEST(DType, E4m3HasTheOcpLandmarks) {
  EXPECT_EQ(e4m3_to_f32(0x7e), 448.0f);
  EXPECT_EQ(e4m3_to_f32(0x08), 0.015625f);
  EXPECT_EQ(e4m3_to_f32(0x01), 0.001953125f);
  EXPECT_EQ(e4m3_to_f32(0xb8), -1.0f);
  EXPECT_TRUE(std::isnan(e4m3_to_f32(0x7f)));
}

TEST(Matrix, Mxfp4LowNibbleIsTheEvenElement) {
  std::vector<uint8_t> codes(16, 0x21);
  const std::vector<uint8_t> scales = {128};
  const Matrix w{WeightFormat::kMxfp4, 1, 32, codes.data(), scales.data()};
  std::vector<float> row(32);
  dequantize_row(w, 0, row.data());
  EXPECT_EQ(row[0], 1.0f);
  EXPECT_EQ(row[1], 2.0f);
}

TEST(Matrix, Fp8BlockScalesFollowRowsAndColumns) {
  std::vector<uint8_t> ones(130 * 200, 0x38);  // 0x38 is 1.0
  const std::vector<float> scales = {1, 2, 3, 4};
  const Matrix w{WeightFormat::kFp8Block, 130, 200, ones.data(), scales.data()};
  std::vector<float> row(200);
  dequantize_row(w, 129, row.data());
  EXPECT_EQ(row[127], 3.0f);
  EXPECT_EQ(row[128], 4.0f);
  const Matrix tail = matrix_rows(w, 128, 2);
  dequantize_row(tail, 1, row.data());
  EXPECT_EQ(row[199], 4.0f);
}

TEST(View, SlicesKeepStrides) {
  std::vector<float> data(2 * 6);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
  const View heads = split_heads(dense_view(data.data(), DType::kF32, {2, 6}), 2);
  const View rope = slice_cols(heads, 1, 2);
  EXPECT_EQ(rope.row(1, 1)[0], 10.0f);
  EXPECT_EQ(rope.rows(), 4);
  EXPECT_EQ(slice_rows(heads, 1, 1).row(0, 0)[0], 6.0f);
}

}  // namespace
}  // namespace drawbridge
