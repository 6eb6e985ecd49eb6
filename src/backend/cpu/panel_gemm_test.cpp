// Products of panels, every instruction set, format and form of input, against the product in double of what
// dequantize_row and quantize_input say.
#include <gtest/gtest.h>

#include "backend/cpu/conformance_test.h"
#include "backend/cpu/panel_kernels.h"
#include "backend/cpu/scratch.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

constexpr WeightFormat kPanelFormats[] = {WeightFormat::kBF16, WeightFormat::kFp8Block, WeightFormat::kMxfp4,
                                          WeightFormat::kQ8};

struct Case {
  std::string isa;
  PanelInput input = PanelInput::kF32;
  PanelProduct product = {};
  WeightFormat format = WeightFormat::kMxfp4;
};

void PrintTo(const Case& c, std::ostream* out) {
  constexpr const char* kInput[] = {"f32", "bf16", "int8"};
  constexpr const char* kFormat[] = {"f32", "f16", "bf16", "fp8", "mxfp4", "q8"};
  *out << c.isa << "_" << kInput[static_cast<size_t>(c.input)] << "_" << kFormat[static_cast<size_t>(c.format)];
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  const CpuFeatures features = detect_cpu_features();
  for (const std::string& isa : usable_isas(features)) {
    if (isa == "scalar") continue;
    const PanelKernels panels = panel_kernels(choose_isa(isa, features).value(), features);
    for (const WeightFormat format : kPanelFormats) {
      cases.push_back({isa, PanelInput::kF32, panels.f32, format});
      if (panels.bf16 != nullptr) cases.push_back({isa, PanelInput::kBf16, *panels.bf16, format});
      const bool quantized = format == WeightFormat::kMxfp4 || format == WeightFormat::kQ8;
      if (quantized && panels.int8 != nullptr) cases.push_back({isa, PanelInput::kInt8, *panels.int8, format});
    }
  }
  return cases;
}

/// A matrix in panels that end at unreadable pages.
class Panels {
 public:
  explicit Panels(const Matrix& rows) : data_(panel_data_bytes(rows)), scale_(panel_scale_bytes(rows) + 1) {
    scale_at_ = scale_.data() + 1;
    write_panels(rows, 0, panel_count(rows), data_.data(), scale_at_);
    matrix_ = panel_matrix(rows, data_.data(), scale_at_);
  }
  const Matrix& matrix() const { return matrix_; }
  uint8_t* data() const { return data_.data(); }
  uint8_t* scale() const { return scale_at_; }

 private:
  PageEnd data_;
  PageEnd scale_;
  uint8_t* scale_at_;
  Matrix matrix_;
};

class PanelGemm : public testing::TestWithParam<Case> {
 protected:
  static const PanelProduct& product() { return GetParam().product; }
  static WeightFormat format() { return GetParam().format; }

  /// Packed rows of x, in pieces of whole blocks as an expert's hidden values are.
  static std::vector<uint8_t> pack(const Guarded& x, int64_t piece) {
    const int64_t n_rows = x.view().rows(), k = x.view().cols(), stride = row_stride(k);
    std::vector<uint8_t> packed(static_cast<size_t>(n_rows * stride + 64), 0xff);
    for (int64_t r = 0; r < n_rows; ++r) {
      for (int64_t from = 0; from < k; from += piece) {
        product().pack(aligned(packed) + r * stride, k, from, x.row(r) + from, std::min(piece, k - from));
      }
    }
    return packed;
  }
  static uint8_t* aligned(std::vector<uint8_t>& bytes) {
    const auto at = reinterpret_cast<uintptr_t>(bytes.data());
    return bytes.data() + (64 - at % 64) % 64;
  }
  /// Of packed rows, with a line between them.
  static int64_t row_stride(int64_t k) { return product().row_bytes(k) + 64; }

  struct Run {
    TilePlan plan;
    int64_t piece = 1024;
    std::vector<int32_t> row;
    bool round_output = false;
  };
  static void multiply(const Guarded& y, const Guarded& x, const Matrix& w, const Run& run) {
    std::vector<uint8_t> packed = pack(x, run.piece);
    PanelArgs args;
    args.w = w;
    args.panel_to = panel_count(w);
    args.x = aligned(packed);
    args.x_stride = row_stride(w.k);
    args.x_row = run.row.empty() ? nullptr : run.row.data();
    args.n_tokens = y.view().rows();
    args.y = y.row(0);
    args.y_stride = y.view().stride[0];
    args.round_output = run.round_output;
    args.plan = run.plan;
    const int64_t work_bytes = run.plan.expand ? product().work_bytes(w) : 0;
    Scratch scratch;
    constexpr int64_t kMargin = 64;
    args.work = scratch.room<uint8_t>(work_bytes + 2 * kMargin) + kMargin;
    std::fill_n(args.work - kMargin, work_bytes + 2 * kMargin, uint8_t{0xee});
    product().gemm(args);
    for (int64_t i = 0; i < kMargin; ++i) {
      ASSERT_EQ(args.work[i - kMargin], 0xee);
      ASSERT_EQ(args.work[work_bytes + i], 0xee);
    }
  }

  /// x as the product takes it.
  static std::vector<float> prepared(const float* x, int64_t k) {
    std::vector<float> row(x, x + k);
    if (GetParam().input == PanelInput::kInt8) quantize_input(InputCodec::kInt8, row);
    if (GetParam().input == PanelInput::kBf16) std::transform(row.begin(), row.end(), row.begin(), round_to_bf16);
    return row;
  }
  /// Sums in double, and what an f32 sum of K products in any order may be off by.
  static void expect_close(const Guarded& y, const Guarded& x, const Matrix& w, bool rounded = false) {
    ASSERT_TRUE(y.intact());
    std::vector<float> weight(static_cast<size_t>(w.k));
    std::vector<std::vector<float>> input;
    for (int64_t t = 0; t < x.view().rows(); ++t) input.push_back(prepared(x.row(t), w.k));
    for (int64_t n = 0; n < w.n; ++n) {
      dequantize_row(w, n, weight.data());
      for (int64_t t = 0; t < y.view().rows(); ++t) {
        double wanted = 0, absolute = 0;
        for (size_t k = 0; k < weight.size(); ++k) {
          const double term = static_cast<double>(weight[k]) * input[static_cast<size_t>(t)][k];
          wanted += term;
          absolute += std::fabs(term);
        }
        const double bound = gamma(2 * w.k + 16) * absolute + static_cast<double>(w.k) * 0x1p-120;
        const double found = y.row(t)[n], allowed = after_rounding(bound, wanted, rounded);
        ASSERT_LE(std::fabs(found - wanted), allowed) << "token " << t << " row " << n << ": " << found;
      }
    }
  }
};

TEST_P(PanelGemm, AgreesWithTheProductInDouble) {
  Draw draw(1);
  const bool whole = whole_blocks_only(format());
  for (const int64_t k :
       {int64_t{32}, int64_t{96}, int64_t{2048}, int64_t{whole ? 160 : 67}, int64_t{whole ? 64 : 1}}) {
    for (const int64_t n : {int64_t{16}, int64_t{1}, int64_t{150}}) {
      const Weights rows(format(), n, k, Values::kReal, draw);
      const Panels panels(rows.matrix());
      const Guarded x(DType::kF32, {3, k}), y(DType::kF32, {3, n});
      draw.fill(x, Values::kReal);
      multiply(y, x, panels.matrix(), {});
      expect_close(y, x, panels.matrix());
    }
  }
}

TEST_P(PanelGemm, PlansAndNeighboursLeaveTheBitsAlone) {
  Draw draw(2);
  constexpr int64_t kTokens = 33;
  const int64_t n = 39, k = whole_blocks_only(format()) ? 224 : 197;
  const Weights rows(format(), n, k, Values::kReal, draw);
  const Panels panels(rows.matrix());
  const Guarded x(DType::kF32, {kTokens, k}), wanted(DType::kF32, {kTokens, n});
  draw.fill(x, Values::kReal);
  multiply(wanted, x, panels.matrix(), {{1, false, 1}, 32, {}, false});
  expect_close(wanted, x, panels.matrix());
  for (int32_t columns = 1; columns <= kMaxTileColumns; ++columns) {
    for (const bool expand : {false, true}) {
      const Guarded y(DType::kF32, {kTokens, n});
      multiply(y, x, panels.matrix(), {{columns, expand, 4}, 96, {}, false});
      ASSERT_TRUE(is_same(y, wanted)) << "columns " << columns << " expand " << expand;
    }
  }
}

TEST_P(PanelGemm, TakesRowsByIndexAndRounds) {
  Draw draw(3);
  const int64_t n = 20, k = 96;
  const Weights rows(format(), n, k, Values::kReal, draw);
  const Panels panels(rows.matrix());
  const Guarded x(DType::kF32, {5, k}), all(DType::kF32, {5, n});
  draw.fill(x, Values::kReal);
  multiply(all, x, panels.matrix(), {});
  const std::vector<int32_t> row = {4, 0, 0, 3};
  const Guarded y(DType::kF32, {4, n}), wanted(DType::kF32, {4, n});
  multiply(y, x, panels.matrix(), {{8, true, 1}, 1024, row, true});
  for (int64_t t = 0; t < 4; ++t) {
    std::transform(all.row(row[static_cast<size_t>(t)]), all.row(row[static_cast<size_t>(t)]) + n, wanted.row(t),
                   round_to_bf16);
  }
  EXPECT_TRUE(is_same(y, wanted));
}

/// Every exponent that inputs may have, with weights that bring the product back to where f32 holds it.
TEST_P(PanelGemm, HoldsAtTheEdgesOfF32) {
  Draw draw(4);
  for (const int exponent : {-140, -126, -119, -100, 0, 100, 110, 111, 120, 127}) {
    // vdpbf16ps takes subnormals as zero, and a block's sum is scaled only afterwards.
    if (GetParam().input == PanelInput::kBf16 && (exponent < -100 || exponent > 120)) continue;
    SCOPED_TRACE(exponent);
    const Weights rows(format(), 16, 64, Values::kReal, draw);
    const Panels panels(rows.matrix());
    if (format() == WeightFormat::kMxfp4) {
      for (int64_t i = 0; i < 2 * kPanelRows; ++i) {
        panels.scale()[i] = static_cast<uint8_t>(std::clamp(127 - exponent + draw.whole(-3, 3), 0, 251));
      }
    }
    const Guarded x(DType::kF32, {2, 64}), y(DType::kF32, {2, 16});
    draw.fill(x, Values::kReal, std::ldexp(1.0f, format() == WeightFormat::kMxfp4 ? exponent : exponent / 2));
    for (const bool expand : {false, true}) {
      multiply(y, x, panels.matrix(), {{2, expand, 1}, 64, {}, false});
      expect_close(y, x, panels.matrix());
    }
  }
}

TEST_P(PanelGemm, NanStaysWithItsTokenAndItsRow) {
  Draw draw(5);
  const int64_t n = 32, k = 64;
  const Weights rows(format(), n, k, Values::kReal, draw);
  const Panels panels(rows.matrix());
  const Guarded x(DType::kF32, {3, k}), wanted(DType::kF32, {3, n});
  draw.fill(x, Values::kReal);
  multiply(wanted, x, panels.matrix(), {});
  x.row(1)[40] = std::numeric_limits<float>::quiet_NaN();
  for (const bool expand : {false, true}) {
    const Guarded y(DType::kF32, {3, n});
    multiply(y, x, panels.matrix(), {{3, expand, 1}, 1024, {}, false});
    ASSERT_TRUE(y.intact());
    for (int64_t i = 0; i < n; ++i) {
      EXPECT_EQ(y.row(0)[i], wanted.row(0)[i]);
      EXPECT_TRUE(std::isnan(y.row(1)[i]));
      EXPECT_EQ(y.row(2)[i], wanted.row(2)[i]);
    }
  }
}

/// Its scales are E8M0, which has a NaN.
class Mxfp4PanelGemm : public PanelGemm {};

TEST_P(Mxfp4PanelGemm, NanScalesStayWithTheirRow) {
  Draw draw(6);
  const Weights rows(format(), 32, 64, Values::kReal, draw);
  const Panels panels(rows.matrix());
  const Guarded x(DType::kF32, {3, 64}), wanted(DType::kF32, {3, 32}), y(DType::kF32, {3, 32});
  draw.fill(x, Values::kReal);
  multiply(wanted, x, panels.matrix(), {});
  panels.scale()[16 + 5] = 0xff;
  multiply(y, x, panels.matrix(), {});
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t i = 0; i < 32; ++i) {
      if (i == 5) {
        EXPECT_TRUE(std::isnan(y.row(t)[i]));
      } else {
        EXPECT_EQ(y.row(t)[i], wanted.row(t)[i]);
      }
    }
  }
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return testing::PrintToString(info.param);
}

std::vector<Case> mxfp4_cases() {
  std::vector<Case> cases = all_cases();
  std::erase_if(cases, [](const Case& c) { return c.format != WeightFormat::kMxfp4; });
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Kernels, PanelGemm, testing::ValuesIn(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Kernels, Mxfp4PanelGemm, testing::ValuesIn(mxfp4_cases()), case_name);

}  // namespace
}  // namespace drawbridge
