// A matrix in panels holds the numbers that it holds in rows, whatever its format and however its last panel is filled.
#include "tensor/panel.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace drawbridge {
namespace {

struct Shape {
  WeightFormat format;
  int64_t n;
  int64_t k;
};

/// Any bytes are codes; scales are kept where products stay finite.
struct RandomMatrix {
  std::vector<uint8_t> data;
  std::vector<uint8_t> scale;
  Matrix matrix;

  explicit RandomMatrix(const Shape& s) {
    std::mt19937 rng(7);
    data.resize(static_cast<size_t>(s.n * matrix_row_bytes(s.format, s.k)));
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(rng());
    matrix = Matrix{s.format, s.n, s.k, data.data(), nullptr};
    scale.resize(static_cast<size_t>(matrix_bytes(matrix)) - data.size());
    for (uint8_t& byte : scale) byte = static_cast<uint8_t>(0x38 + rng() % 4);
    matrix.scale = scale.empty() ? nullptr : scale.data();
  }
};

std::vector<uint32_t> row_bits(const Matrix& w, int64_t n) {
  std::vector<float> row(static_cast<size_t>(w.k));
  dequantize_row(w, n, row.data());
  std::vector<uint32_t> bits;
  for (const float v : row) bits.push_back(std::bit_cast<uint32_t>(v));
  return bits;
}

class Panels : public testing::TestWithParam<Shape> {};

TEST_P(Panels, HoldTheNumbersOfTheRows) {
  const RandomMatrix source(GetParam());
  const Matrix& rows = source.matrix;
  std::vector<uint8_t> data(static_cast<size_t>(panel_data_bytes(rows)), 0xaa);
  std::vector<uint8_t> scale(static_cast<size_t>(panel_scale_bytes(rows)), 0xaa);
  const int64_t half = panel_count(rows) / 2;
  write_panels(rows, half, panel_count(rows), data.data(), scale.data());
  write_panels(rows, 0, half, data.data(), scale.data());
  const Matrix panels = panel_matrix(rows, data.data(), scale.data());
  for (int64_t n = 0; n < rows.n; ++n) EXPECT_EQ(row_bits(panels, n), row_bits(rows, n)) << n;
  if (rows.format == WeightFormat::kFp8Block || rows.n <= kPanelRows) return;
  const Matrix tail = matrix_rows(panels, kPanelRows, rows.n - kPanelRows);
  EXPECT_EQ(row_bits(tail, 1), row_bits(rows, kPanelRows + 1));
}

TEST_P(Panels, FillUpWithZeros) {
  const RandomMatrix source(GetParam());
  Matrix panels = source.matrix;
  std::vector<uint8_t> data(static_cast<size_t>(panel_data_bytes(panels)), 0xaa);
  std::vector<uint8_t> scale(static_cast<size_t>(panel_scale_bytes(panels)), 0xaa);
  write_panels(source.matrix, 0, panel_count(panels), data.data(), scale.data());
  panels = panel_matrix(source.matrix, data.data(), scale.data());
  panels.n = panel_count(panels) * kPanelRows;
  if (panels.format == WeightFormat::kFp8Block) panels.scale = source.matrix.scale;
  for (int64_t n = source.matrix.n; n < panels.n; ++n) {
    std::vector<float> row(static_cast<size_t>(panels.k));
    dequantize_row(panels, n, row.data());
    for (const float v : row) EXPECT_EQ(v, 0.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Panels,
                         testing::Values(Shape{WeightFormat::kMxfp4, 37, 96}, Shape{WeightFormat::kMxfp4, 16, 32},
                                         Shape{WeightFormat::kQ8, 33, 64}, Shape{WeightFormat::kFp8Block, 140, 200},
                                         Shape{WeightFormat::kBF16, 21, 70}),
                         [](const auto& param) { return "Case" + std::to_string(param.index); });

TEST(Panels, NeedWholeBlocksWhereScalesAreStoredByBlock) {
  EXPECT_TRUE(has_panels(WeightFormat::kMxfp4, 64));
  EXPECT_FALSE(has_panels(WeightFormat::kQ8, 40));
  EXPECT_TRUE(has_panels(WeightFormat::kBF16, 40));
  EXPECT_FALSE(has_panels(WeightFormat::kF32, 64));
}

}  // namespace
}  // namespace drawbridge
