// Every op of the vector kernels against the scalar reference: products, elementwise ops, norms and rope. Exact where
// the op is exact, else within a bound derived beside it.
#include "backend/cpu/conformance_test.h"

namespace drawbridge {
namespace {

class RowConformance : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Cpu, RowConformance, testing::ValuesIn(all_targets()), target_name);

constexpr int64_t kWidths[] = {1, 3, 7, 15, 16, 31, 32, 33, 64, 127, 128, 129, 257};
constexpr DType kF32 = DType::kF32;

/// Rows of a test of cheap ops: at the largest width so many that threads share them.
int64_t n_rows_at(int64_t width) {
  return width == 257 ? 2100 : 31;
}

struct Shape {
  int64_t t, n, k;
};

/// Odd sizes around every tile and vector width; the last ones are large enough to be shared by threads.
std::vector<Shape> product_shapes(WeightFormat format) {
  if (whole_blocks_only(format))
    return {{1, 1, 32}, {3, 5, 64}, {7, 33, 96}, {1, 257, 288}, {31, 129, 256}, {129, 7, 96}};
  return {{1, 1, 1},     {3, 3, 7},    {2, 4, 16},    {5, 7, 31},     {7, 31, 33},   {6, 33, 127},
          {4, 129, 128}, {13, 5, 129}, {1, 257, 257}, {31, 129, 255}, {129, 7, 129}, {33, 130, 300}};
}

/// The mutation every bound here must be able to see: one element off by the least that a lost term would cost.
TEST(ConformanceHelper, SeesAPlantedError) {
  Draw draw(1);
  const Weights w(WeightFormat::kBF16, 33, 257, Values::kReal, draw);
  const Guarded x(kF32, {5, 257});
  draw.fill(x, Values::kReal);
  Guarded wanted(kF32, {5, 33});
  ScalarBackend(Numerics::parity(kF32)).linear(wanted.view(), x.view(), w.matrix());
  const ProductBound product(x.view(), w.matrix(), Numerics::parity(kF32));
  const Bound bound = [&](int64_t t, int64_t n, double) { return product(t, n); };
  EXPECT_TRUE(is_close(wanted, wanted, kF32, bound));
  EXPECT_TRUE(is_same(wanted, wanted));
  Guarded lost_term(wanted);
  std::vector<float> row(257);
  dequantize_row(w.matrix(), 20, row.data());
  lost_term.row(3)[20] -= x.row(3)[256] * row[256];
  EXPECT_FALSE(is_close(lost_term, wanted, kF32, bound));
  Guarded one_ulp(wanted);
  one_ulp.row(4)[0] = std::nextafter(one_ulp.row(4)[0], 100.0f);
  EXPECT_FALSE(is_same(one_ulp, wanted));
  Guarded nan(wanted);
  nan.row(0)[0] = NAN;
  EXPECT_FALSE(is_close(nan, wanted, kF32, bound));
  Guarded outside(wanted);
  outside.row(4)[33] = 0;
  EXPECT_FALSE(is_close(outside, wanted, kF32, bound));
  EXPECT_FALSE(is_same(outside, wanted));
}

TEST_P(RowConformance, LinearOfWholeNumbersIsExact) {
  Draw draw(2);
  for (const WeightFormat format : kAllFormats) {
    for (const Shape& s : product_shapes(format)) {
      const Weights w = weights(format, s.n, s.k, Values::kWhole, draw);
      const Guarded x(kF32, {s.t, s.k});
      draw.fill(x, Values::kWhole);
      for (const Numerics& numerics : all_numerics()) {
        Guarded wanted(kF32, {s.t, s.n}), found(kF32, {s.t, s.n});
        ScalarBackend(numerics).linear(wanted.view(), x.view(), w.matrix());
        backend(numerics).linear(found.view(), x.view(), w.matrix());
        ASSERT_TRUE(is_same(found, wanted)) << weight_format_name(format) << " " << s.t << " " << s.n << " " << s.k;
      }
    }
  }
}

TEST_P(RowConformance, LinearIsWithinItsBound) {
  Draw draw(3);
  for (const WeightFormat format : kAllFormats) {
    for (const Shape& s : product_shapes(format)) {
      const Weights w = weights(format, s.n, s.k, Values::kReal, draw);
      const Guarded x(kF32, {s.t, s.k});
      draw.fill(x, Values::kReal);
      const ProductBound exact(x.view(), w.matrix(), Numerics::parity(kF32));
      for (const Numerics& numerics : all_numerics()) {
        const ProductBound bound(x.view(), w.matrix(), numerics);
        Guarded wanted(kF32, {s.t, s.n}), found(kF32, {s.t, s.n});
        ScalarBackend(numerics).linear(wanted.view(), x.view(), w.matrix());
        backend(numerics).linear(found.view(), x.view(), w.matrix());
        ASSERT_TRUE(
            is_close(found, wanted, numerics.activation, [&](int64_t t, int64_t n, double) { return bound(t, n); }))
            << weight_format_name(format) << " " << s.t << " " << s.n << " " << s.k;
        ScalarBackend(numerics).linear_f32(wanted.view(), x.view(), w.matrix());
        backend(numerics).linear_f32(found.view(), x.view(), w.matrix());
        ASSERT_TRUE(is_close(found, wanted, kF32, [&](int64_t t, int64_t n, double) { return exact(t, n); }))
            << "f32 " << weight_format_name(format) << " " << s.t << " " << s.n << " " << s.k;
      }
    }
  }
}

/// A NaN or an infinity in one block reaches every output of its row and no other row.
TEST_P(RowConformance, WhatIsNotFiniteReachesItsWholeRow) {
  Draw draw(33);
  const Weights w = weights(WeightFormat::kMxfp4, 37, 224, Values::kReal, draw);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    const Guarded x(kF32, {3, 224});
    draw.fill(x, Values::kReal);
    x.row(1)[200] = bad;
    for (const Numerics& numerics : all_numerics()) {
      if (numerics.input_codec == InputCodec::kNone) continue;
      Guarded y(kF32, {3, 37});
      backend(numerics).linear(y.view(), x.view(), w.matrix());
      for (int64_t n = 0; n < 37; ++n) {
        ASSERT_TRUE(std::isfinite(y.row(0)[n]) && std::isnan(y.row(1)[n]) && std::isfinite(y.row(2)[n])) << n;
      }
    }
  }
}

/// The kernels' grids are the reference's, bit for bit (the sign of zero aside), for values of every size.
TEST_P(RowConformance, InputsAreQuantizedExactly) {
  Draw draw(31);
  for (const InputCodec codec : {InputCodec::kInt8, InputCodec::kMxfp8, InputCodec::kMxfp4}) {
    for (int round = 0; round < 300; ++round) {
      const int64_t n = draw.whole(1, 70);
      std::vector<float> wanted, found(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) {
        const bool is_bad = draw.whole(0, 999) == 0;
        const float value = std::ldexp(draw.value(Values::kReal), draw.whole(-12, 0) + (round - 150));
        wanted.push_back(is_bad ? (i % 2 == 0 ? INFINITY : NAN) : value);
      }
      kernels().quantize_row(found.data(), wanted.data(), n, codec);
      quantize_input(codec, wanted);
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_TRUE(found[i] == wanted[i] || (std::isnan(found[i]) && std::isnan(wanted[i])))
            << input_codec_name(codec) << ": wanted " << wanted[i] << ", found " << found[i];
      }
    }
  }
}

TEST_P(RowConformance, LinearHeadsUsesEachHeadsRows) {
  Draw draw(4);
  for (const WeightFormat format : kAllFormats) {
    for (const int64_t t : {1, 3, 31}) {
      const int64_t heads = 3, n = format == WeightFormat::kFp8Block ? 128 : head_rows();
      const int64_t k = whole_blocks_only(format) ? 96 : 67;
      const Weights w = weights(format, heads * n, k, Values::kWhole, draw);
      const Guarded x(kF32, {t, heads, k});
      draw.fill(x, Values::kWhole);
      for (const Numerics& numerics : all_numerics()) {
        Guarded wanted(kF32, {t, heads, n}), found(kF32, {t, heads, n});
        ScalarBackend(numerics).linear_heads(wanted.view(), x.view(), w.matrix());
        backend(numerics).linear_heads(found.view(), x.view(), w.matrix());
        ASSERT_TRUE(is_same(found, wanted)) << weight_format_name(format);
      }
    }
  }
}

TEST_P(RowConformance, LinearHeadsNeverQuantizesItsInputs) {
  Draw draw(32);
  const int64_t n = head_rows();
  const Weights w = weights(WeightFormat::kMxfp4, 2 * n, 96, Values::kReal, draw);
  const Guarded x(kF32, {3, 2, 96});
  draw.fill(x, Values::kReal);
  Guarded wanted(kF32, {3, 2, n}), wanted_reference(kF32, {3, 2, n});
  backend(Numerics::serving()).linear_heads(wanted.view(), x.view(), w.matrix());
  ScalarBackend(Numerics::serving()).linear_heads(wanted_reference.view(), x.view(), w.matrix());
  for (const Numerics& numerics : all_numerics()) {
    if (numerics.input_codec == InputCodec::kNone) continue;
    Guarded found(kF32, {3, 2, n});
    backend(numerics).linear_heads(found.view(), x.view(), w.matrix());
    ASSERT_TRUE(is_same(found, wanted)) << input_codec_name(numerics.input_codec);
    ScalarBackend(numerics).linear_heads(found.view(), x.view(), w.matrix());
    ASSERT_TRUE(is_same(found, wanted_reference)) << input_codec_name(numerics.input_codec);
  }
}

/// Each row alone, on one thread, gives the bits it has in company.
TEST_P(RowConformance, LinearRowsDependOnNothingElse) {
  Draw draw(5);
  for (const WeightFormat format : kAllFormats) {
    const int64_t k = whole_blocks_only(format) ? 256 : 255;
    const Weights w = weights(format, 130, k, Values::kReal, draw);
    const Guarded x(kF32, {29, k});
    draw.fill(x, Values::kReal);
    for (const Numerics& numerics : all_numerics()) {
      Guarded together(kF32, {29, 130}), alone(kF32, {29, 130});
      backend(numerics).linear(together.view(), x.view(), w.matrix());
      SimdBackend one = backend(numerics, 1);
      for (int64_t t = 0; t < 29; ++t) {
        one.linear(slice_rows(alone.view(), t, 1), slice_rows(x.view(), t, 1), w.matrix());
      }
      ASSERT_TRUE(is_same(together, alone)) << weight_format_name(format);
    }
  }
}

TEST_P(RowConformance, EmbedDecodesExactly) {
  Draw draw(6);
  for (const WeightFormat format : kAllFormats) {
    for (const int64_t width : kWidths) {
      if (whole_blocks_only(format) && width % kMxfp4Block != 0) continue;
      const Weights table(format, 259, width, Values::kReal, draw);
      const std::vector<int32_t> token = {258, 0, 17, 17, 128};
      Guarded wanted(kF32, {5, width}), found(kF32, {5, width});
      ScalarBackend(Numerics::serving()).embed(wanted.view(), table.matrix(), token);
      backend(Numerics::serving()).embed(found.view(), table.matrix(), token);
      ASSERT_TRUE(is_same(found, wanted)) << weight_format_name(format) << " " << width;
    }
  }
}

TEST_P(RowConformance, EveryCodeIsDecodedExactly) {
  std::vector<uint8_t> bytes(256);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
  const std::vector<float> scale = {0.3f, 1.7f};
  std::vector<uint8_t> exponents;
  for (const int e : {0, 1, 2, 126, 127, 128, 252, 253, 254, 130, 3, 9, 77, 200, 111, 99}) {
    exponents.push_back(static_cast<uint8_t>(e));
  }
  std::vector<uint16_t> halves(0x10000);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  const int64_t n_halves = static_cast<int64_t>(halves.size());
  for (const Matrix& w : {Matrix{WeightFormat::kFp8Block, 1, 256, bytes.data(), scale.data()},
                          Matrix{WeightFormat::kMxfp4, 1, 512, bytes.data(), exponents.data()},
                          Matrix{WeightFormat::kQ8, 1, 256, bytes.data(), halves.data() + 0x3bfc},
                          Matrix{WeightFormat::kF16, 1, n_halves, halves.data(), nullptr}}) {
    const std::vector<int32_t> token = {0};
    Guarded wanted(kF32, {1, w.k}), found(kF32, {1, w.k});
    ScalarBackend(Numerics::serving()).embed(wanted.view(), w, token);
    backend(Numerics::serving()).embed(found.view(), w, token);
    for (int64_t i = 0; i < w.k; ++i) {
      const float f = found.row(0)[i], v = wanted.row(0)[i];
      ASSERT_TRUE(f == v || (std::isnan(f) && std::isnan(v))) << weight_format_name(w.format) << " " << i << " " << f;
    }
  }
}

/// Sum of squares: gamma(n); mean, epsilon, root, quotient and two products: a few more, halved by the root.
TEST_P(RowConformance, RmsNormIsWithinItsBound) {
  Draw draw(7);
  for (const int64_t n : kWidths) {
    for (const int64_t t : {int64_t{1}, int64_t{3}, n_rows_at(n)}) {
      const Guarded x(kF32, {t, n});
      draw.fill(x, Values::kReal, 3);
      const Guarded w(kF32, {1, n});
      draw.fill(w, Values::kReal);
      const std::span<const float> weight(w.row(0), static_cast<size_t>(n));
      for (const Numerics& numerics : all_numerics()) {
        Guarded wanted(kF32, {t, n}), found(x);
        ScalarBackend(numerics).rms_norm(wanted.view(), x.view(), weight, 1e-5f);
        backend(numerics).rms_norm(found.view(), found.view(), weight, 1e-5f);
        ASSERT_TRUE(is_close(found, wanted, numerics.activation, [&](int64_t, int64_t, double y) {
          return after_rounding(gamma(n + 16) * std::fabs(y), y, numerics.norm_rounds_twice);
        })) << n;
      }
    }
  }
}

struct RowMoments {
  RowMoments(const float* x, int64_t n, double eps) {
    const double each = 1 / static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) mean += x[i] * each;
    for (int64_t i = 0; i < n; ++i) absolute += std::fabs(x[i]) * each;
    double variance = eps;
    for (int64_t i = 0; i < n; ++i) variance += (x[i] - mean) * (x[i] - mean) * each;
    r = 1 / std::sqrt(variance);
  }
  double mean = 0, absolute = 0, r = 0;
};

/// With the mean off by dm: x - mean is off by dm and a rounding, the variance by dm^2 and gamma(n).
TEST_P(RowConformance, LayerNormIsWithinItsBound) {
  Draw draw(8);
  constexpr float kEps = 1e-6f;
  for (const int64_t n : kWidths) {
    const int64_t n_rows = n_rows_at(n);
    const Guarded x(kF32, {n_rows, n}), w(kF32, {1, n}), b(kF32, {1, n});
    for (const Guarded* tensor : {&x, &w, &b}) draw.fill(*tensor, Values::kReal, 3);
    const std::span<const float> weight(w.row(0), static_cast<size_t>(n)), bias(b.row(0), static_cast<size_t>(n));
    std::vector<RowMoments> moments;
    for (int64_t t = 0; t < n_rows; ++t) moments.emplace_back(x.row(t), n, static_cast<double>(kEps));
    for (const Numerics& numerics : all_numerics()) {
      Guarded wanted(kF32, {n_rows, n}), found(x);
      ScalarBackend(numerics).layer_norm(wanted.view(), x.view(), weight, bias, kEps);
      backend(numerics).layer_norm(found.view(), found.view(), weight, bias, kEps);
      ASSERT_TRUE(is_close(found, wanted, numerics.activation, [&](int64_t t, int64_t i, double y) {
        const RowMoments& m = moments[static_cast<size_t>(t)];
        const double dm = gamma(n + 2) * m.absolute, relative = gamma(n + 16) + dm * m.r * dm * m.r;
        const double error = std::fabs(w.row(0)[i]) * m.r * (dm + std::fabs(x.row(t)[i] - m.mean) * relative);
        return error + 3 * kUnit * (std::fabs(y) + 2 * std::fabs(b.row(0)[i]));
      })) << n;
    }
  }
}

TEST_P(RowConformance, RopeIsExact) {
  Draw draw(9);
  for (const int64_t width : {2, 6, 16, 30, 64, 66}) {
    const std::vector<int32_t> pos = {0, 1, 2047, 131071, 1048575, 77, 3};
    const Guarded flat(kF32, {7, width}), heads(kF32, {7, 5, width});
    for (const Guarded* x : {&flat, &heads}) {
      draw.fill(*x, Values::kReal);
      for (const Numerics& numerics : all_numerics()) {
        Guarded wanted(*x), found(*x), again(*x);
        SimdBackend simd = backend(numerics);
        ScalarBackend(numerics).rope(wanted.view(), pos, 8e6f);
        simd.rope(found.view(), pos, 8e6f);
        simd.rope(again.view(), pos, 8e6f);
        ASSERT_TRUE(is_same(found, wanted)) << width;
        ASSERT_TRUE(is_same(again, wanted)) << "from the kept table, " << width;
      }
    }
  }
}

TEST_P(RowConformance, RopeTableFollowsPositionsThetaAndWidth) {
  Draw draw(10);
  SimdBackend simd = backend(Numerics::serving());
  ScalarBackend scalar(Numerics::serving());
  const auto check = [&](int32_t pos, int64_t width, float theta) {
    const std::vector<int32_t> positions = {pos};
    const Guarded x(kF32, {1, width});
    draw.fill(x, Values::kReal);
    Guarded wanted(x), found(x);
    scalar.rope(wanted.view(), positions, theta);
    simd.rope(found.view(), positions, theta);
    return is_same(found, wanted);
  };
  EXPECT_TRUE(check(5, 64, 1e4f));
  EXPECT_TRUE(check(6, 64, 1e4f));
  EXPECT_TRUE(check(6, 32, 1e4f));
  EXPECT_TRUE(check(6, 32, 8e6f));
}

/// exponential() is within 2^-21, the rest of silu and the product add four roundings; e^88.3 may already be infinite.
TEST_P(RowConformance, SwigluIsWithinItsBound) {
  constexpr int64_t kRows = 500;
  const Guarded gate(kF32, {kRows, 257}), up(kF32, {kRows, 257});
  Draw draw(11);
  draw.fill(up, Values::kReal);
  for (int64_t t = 0; t < kRows; ++t) {
    for (int64_t i = 0; i < 257; ++i) gate.row(t)[i] = static_cast<float>(t * 257 + i - 64250) / 640.0f;  // -100 .. 100
  }
  gate.row(0)[0] = -1e30f;
  gate.row(0)[1] = 1e30f;
  for (const int64_t n : kWidths) {
    for (const Numerics& numerics : all_numerics()) {
      Guarded wanted(kF32, {kRows, n}), found(kF32, {kRows, n});
      const View g = slice_cols(gate.view(), 0, n), u = slice_cols(up.view(), 0, n);
      ScalarBackend(numerics).swiglu(wanted.view(), g, u);
      backend(numerics).swiglu(found.view(), g, u);
      ASSERT_TRUE(is_close(found, wanted, numerics.activation, [&](int64_t, int64_t, double y) {
        const double silu = (0x1p-21 + 4 * kUnit) * std::fabs(y) + 1e-36;
        return after_rounding(silu, y, numerics.activation == DType::kBF16);
      })) << n;
    }
  }
}

TEST_P(RowConformance, MovingOpsAreExact) {
  Draw draw(12);
  for (const int64_t n : kWidths) {
    const int64_t n_rows = n_rows_at(n);
    const Guarded x(kF32, {n_rows, n}), y(kF32, {n_rows, n});
    draw.fill(x, Values::kReal);
    draw.fill(y, Values::kReal);
    for (const Numerics& numerics : all_numerics()) {
      SimdBackend simd = backend(numerics);
      ScalarBackend scalar(numerics);
      Guarded sum(y), wanted_sum(y);
      simd.add(sum.view(), x.view());
      scalar.add(wanted_sum.view(), x.view());
      ASSERT_TRUE(is_same(sum, wanted_sum));
      Guarded copy(kF32, {n_rows, n}, 5);
      simd.copy(copy.view(), x.view());
      ASSERT_TRUE(is_same(copy, x));
      const std::vector<int32_t> row = {30, 0, 5, 5};
      Guarded rows(kF32, {4, n});
      simd.gather_rows(rows.view(), x.view(), row);
      for (int64_t r = 0; r < 4; ++r) {
        ASSERT_TRUE(std::equal(rows.row(r), rows.row(r) + n, x.row(row[static_cast<size_t>(r)])));
      }
      simd.fill(rows.view(), 2.5f);
      for (int64_t r = 0; r < 4; ++r) ASSERT_EQ(std::count(rows.row(r), rows.row(r) + n, 2.5f), n);
      ASSERT_TRUE(rows.intact());
    }
  }
}

TEST_P(RowConformance, AddRmsNormIsItsTwoParts) {
  Draw draw(13);
  const Guarded x(kF32, {7, 129}), resid(kF32, {7, 129}), w(kF32, {1, 129});
  for (const Guarded* tensor : {&x, &resid, &w}) draw.fill(*tensor, Values::kReal);
  const std::span<const float> weight(w.row(0), 129);
  for (const Numerics& numerics : all_numerics()) {
    SimdBackend simd = backend(numerics);
    Guarded fused(resid), parts(resid), y(kF32, {7, 129}), wanted(kF32, {7, 129});
    simd.add_rms_norm(y.view(), fused.view(), x.view(), weight, 1e-5f);
    simd.add(parts.view(), x.view());
    simd.rms_norm(wanted.view(), parts.view(), weight, 1e-5f);
    EXPECT_TRUE(is_same(fused, parts));
    EXPECT_TRUE(is_same(y, wanted));
  }
}

TEST_P(RowConformance, NormLinearIsItsParts) {
  Draw draw(14);
  constexpr int64_t kTokens = 7, kWidth = 256;
  const Guarded x(kF32, {kTokens, kWidth}), resid(kF32, {kTokens, kWidth}), norm(kF32, {1, kWidth});
  for (const Guarded* tensor : {&x, &resid, &norm}) draw.fill(*tensor, Values::kReal);
  const std::span<const float> weight(norm.row(0), kWidth);
  const Weights head = weights(WeightFormat::kF32, 20, kWidth, Values::kReal, draw);
  for (const WeightFormat format : kAllFormats) {
    const Weights wide = weights(format, 130, kWidth, Values::kReal, draw);
    const Weights narrow = weights(format, 17, kWidth, Values::kReal, draw);
    for (const Numerics& numerics : all_numerics()) {
      SimdBackend simd = backend(numerics);
      for (const bool adds : {true, false}) {
        const auto run = [&](auto&& op) {
          Guarded sum(resid), y(kF32, {kTokens, kWidth}), a(kF32, {kTokens, 130}), b(kF32, {kTokens, 17});
          Guarded c(kF32, {kTokens, 20});
          const std::array products = {Product{a.view(), &wide.matrix()}, Product{View(), nullptr},
                                       Product{b.view(), &narrow.matrix()}, Product{c.view(), &head.matrix(), true}};
          op(y.view(), NormInput{x.view(), adds ? sum.view() : View(), weight, 1e-5f}, products);
          std::vector<uint32_t> bits;
          for (const Guarded* tensor : {&sum, &y, &a, &b, &c}) {
            EXPECT_TRUE(tensor->intact());
            const auto own = tensor->bits();
            bits.insert(bits.end(), own.begin(), own.end());
          }
          return bits;
        };
        const auto whole = run([&](View y, const NormInput& in, auto& products) { simd.norm_linear(y, in, products); });
        const auto parts =
            run([&](View y, const NormInput& in, auto& products) { simd.Backend::norm_linear(y, in, products); });
        ASSERT_EQ(whole, parts) << weight_format_name(format);
      }
    }
  }
}

}  // namespace
}  // namespace drawbridge
