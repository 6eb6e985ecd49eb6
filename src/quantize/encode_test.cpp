// Encoding against AMD Quark's own output and PyTorch's (tests/reference/quantize/make_mxfp4_golden.py), bit for bit.
#include "quantize/encode.h"

#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"

namespace drawbridge {
namespace {

class EncodeGolden : public testing::Test {
 protected:
  const Tensor& tensor(const std::string& name) const {
    const Tensor* found = golden_.find(name);
    DB_CHECK(found != nullptr);
    return *found;
  }
  /// The values of a float tensor [N, K].
  std::vector<float> values(const std::string& name) const {
    const Tensor& t = tensor(name);
    const Matrix matrix{*float_format(t.dtype), t.shape[0], t.shape[1], t.data.data(), nullptr};
    std::vector<float> out(static_cast<size_t>(matrix.n * matrix.k));
    for (int64_t i = 0; i < matrix.n; ++i) dequantize_row(matrix, i, out.data() + i * matrix.k);
    return out;
  }
  void expect_same(const std::vector<std::byte>& encoded, const std::string& name, int64_t bytes_a_block) const {
    const auto wanted = tensor(name).data;
    ASSERT_EQ(encoded.size(), wanted.size()) << name;
    int64_t n_wrong = 0;
    for (size_t i = 0; i < encoded.size(); ++i) {
      if (encoded[i] == wanted[i] || ++n_wrong > 5) continue;
      ADD_FAILURE() << name << " byte " << i << " (block " << static_cast<int64_t>(i) / bytes_a_block << "): wanted "
                    << std::to_integer<int>(wanted[i]) << ", found " << std::to_integer<int>(encoded[i]);
    }
    EXPECT_EQ(n_wrong, 0) << name;
  }

  const Checkpoint golden_ = Checkpoint::open(std::string(DB_SOURCE_DIR) + "/tests/golden/quantize").value();
};

TEST_F(EncodeGolden, EvenIsQuarkBitForBit) {
  for (const std::string name : {"f32", "bf16"}) {
    const EncodedRows out =
        encode_rows(values(name + ".input"), tensor(name + ".input").shape[1], TargetFormat::kMxfp4, {});
    expect_same(out.scale, name + ".weight_scale", 1);
    expect_same(out.data, name + ".weight", 16);
  }
}

TEST_F(EncodeGolden, Fp8BlocksAreTorchBitForBit) {
  const EncodedRows out = encode_rows(values("fp8.input"), tensor("fp8.input").shape[1], TargetFormat::kFp8, {});
  expect_same(out.scale, "fp8.weight_scale_inv", 4);
  expect_same(out.data, "fp8.weight", 128);
}

/// Search may choose even's exponent, so its weighted error is at most even's, block by block.
TEST_F(EncodeGolden, SearchIsNeverWorseThanEven) {
  const std::vector<float> x = values("bf16.input");
  std::vector<float> weight(128);
  for (size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<float>(i % 7 == 0 ? 100 : 1);
  const auto error = [&](const EncodedRows& rows) {
    std::vector<double> sums(rows.scale.size());
    const Matrix m{WeightFormat::kMxfp4, static_cast<int64_t>(x.size()) / 128, 128, rows.data.data(),
                   rows.scale.data()};
    std::vector<float> row(128);
    for (int64_t n = 0; n < m.n; ++n) {
      dequantize_row(m, n, row.data());
      for (size_t k = 0; k < row.size(); ++k) {
        const double d = static_cast<double>(row[k]) - static_cast<double>(x[static_cast<size_t>(n) * 128 + k]);
        sums[static_cast<size_t>(n) * 4 + k / 32] += static_cast<double>(weight[k]) * d * d;
      }
    }
    return sums;
  };
  const auto even = error(encode_rows(x, 128, TargetFormat::kMxfp4, {}));
  const auto searched = error(encode_rows(x, 128, TargetFormat::kMxfp4, {QuantizeRule::kSearch, weight}));
  int64_t n_better = 0;
  for (size_t b = 0; b < even.size(); ++b) {
    EXPECT_LE(searched[b], even[b]) << "block " << b;
    n_better += searched[b] < even[b] ? 1 : 0;
  }
  EXPECT_GT(n_better, 20);
}

}  // namespace
}  // namespace drawbridge
