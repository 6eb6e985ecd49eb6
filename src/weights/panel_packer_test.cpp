#include "weights/panel_packer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <random>

#include "base/scratch_test.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

/// Matrices of several formats, some larger than what one thread packs at a time.
class PanelPackerTest : public testing::Test {
 protected:
  PanelPackerTest() {
    std::mt19937 rng(3);
    for (const auto& [format, n, k] : {std::tuple{WeightFormat::kMxfp4, 4099, 4096},
                                       {WeightFormat::kQ8, 40, 64},
                                       {WeightFormat::kBF16, 17, 70},
                                       {WeightFormat::kMxfp4, 16, 32}}) {
      rows_.push_back({format, n, k, nullptr, nullptr});
      std::vector<uint8_t>& bytes = bytes_.emplace_back(static_cast<size_t>(matrix_bytes(rows_.back())));
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(0x38 + rng() % 8);
      rows_.back().data = bytes.data();
      if (is_quantized(format)) rows_.back().scale = bytes.data() + n * matrix_row_bytes(format, k);
    }
    panels_ = rows_;
  }

  void expect_same() const {
    for (size_t i = 0; i < rows_.size(); ++i) {
      EXPECT_EQ(panels_[i].order, RowOrder::kPanels);
      std::vector<float> wanted(static_cast<size_t>(rows_[i].k)), found = wanted;
      for (const int64_t n : {int64_t{0}, rows_[i].n / 2, rows_[i].n - 1}) {
        dequantize_row(rows_[i], n, wanted.data());
        dequantize_row(panels_[i], n, found.data());
        EXPECT_EQ(found, wanted) << i << " " << n;
      }
    }
  }
  PanelPacker packer() {
    PanelPacker packer;
    for (Matrix& w : panels_) packer.add(w);
    return packer;
  }

  std::vector<std::vector<uint8_t>> bytes_;
  std::vector<Matrix> rows_, panels_;
  PackedStore store_;
};

TEST_F(PanelPackerTest, PacksEachMatrixOnceAndReleasesItsRows) {
  PanelPacker own = packer();
  const int64_t n_bytes = own.n_bytes();
  std::atomic<int> n_released = 0;
  ASSERT_TRUE(
      own.pack(store_, 3, [&](const Matrix& rows) { n_released += rows.order == RowOrder::kRows ? 1 : 0; }).ok());
  EXPECT_EQ(n_released, 4);
  EXPECT_GE(store_.bytes(), n_bytes);
  expect_same();
}

TEST_F(PanelPackerTest, ACachedFileGivesTheSamePanels) {
  const ScratchDirectory directory("panels");
  const PanelCache cache(directory.file(""), std::string(64, 'a'));
  PanelPacker own = packer();
  const int64_t n_bytes = own.n_bytes();
  EXPECT_FALSE(cache.open(n_bytes).value().has_value());
  ASSERT_TRUE(own.pack(store_, 1, [](const Matrix&) {}).ok());
  ASSERT_TRUE(cache.write(own.packed()).ok());
  panels_ = rows_;
  PanelPacker again = packer();
  auto file = cache.open(n_bytes);
  ASSERT_TRUE(file.ok() && file->has_value());
  again.map(store_, *std::move(*file));
  expect_same();
}

TEST_F(PanelPackerTest, AFileOfAnotherKeyOrSizeIsRefusedByName) {
  const ScratchDirectory directory("panels_refused");
  const PanelCache cache(directory.file(""), std::string(16, 'b') + std::string(48, '0'));
  PanelPacker own = packer();
  ASSERT_TRUE(own.pack(store_, 2, [](const Matrix&) {}).ok());
  const auto n_bytes = static_cast<int64_t>(own.packed().size());
  ASSERT_TRUE(cache.write(own.packed()).ok());
  // The same file name, another key.
  const PanelCache other(directory.file(""), std::string(16, 'b') + std::string(48, '1'));
  EXPECT_THAT(other.open(n_bytes).status().message(), HasSubstr(cache.path()));
  EXPECT_THAT(cache.open(n_bytes + 64).status().message(), HasSubstr("remove it"));
  std::filesystem::resize_file(cache.path(), 100);
  EXPECT_EQ(cache.open(n_bytes).status().code(), Code::kCorrupt);
  EXPECT_FALSE(cache.write(own.packed()).ok()) << "nothing is overwritten";
}

TEST_F(PanelPackerTest, TheLayoutNamesEveryMatrix) {
  EXPECT_EQ(packer().layout(), "mxfp4 4099 4096\nq8 40 64\nbf16 17 70\nmxfp4 16 32\n");
}

}  // namespace
}  // namespace drawbridge
