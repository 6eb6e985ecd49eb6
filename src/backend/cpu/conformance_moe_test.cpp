// Experts of the vector kernels against the scalar reference, and routing.
#include "backend/cpu/conformance_test.h"

namespace drawbridge {
namespace {

class ExpertConformance : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Cpu, ExpertConformance, testing::ValuesIn(all_targets()), target_name);

constexpr DType kF32 = DType::kF32;
constexpr DType kI32 = DType::kI32;

struct Expert {
  Weights gate, up, down;
  MlpMatrices matrices() const { return {gate.matrix(), up.matrix(), down.matrix()}; }
};

/// Experts of [I, D] in the given formats of gate, up and down.
struct Experts {
  Experts(int n, int64_t d, int64_t width, std::array<WeightFormat, 3> format, Draw& draw, RowOrder order) {
    for (int e = 0; e < n; ++e) {
      owned.push_back(std::unique_ptr<Expert>(new Expert{{format[0], width, d, Values::kReal, draw, order},
                                                         {format[1], width, d, Values::kReal, draw, order},
                                                         {format[2], d, width, Values::kReal, draw, order}}));
      matrices.push_back(owned.back()->matrices());
    }
  }
  std::vector<std::unique_ptr<Expert>> owned;
  std::vector<MlpMatrices> matrices;
};

/// Distinct experts for each row; the last expert gets none.
void choose(const Guarded& expert, int n_experts, Draw& draw) {
  for (int64_t t = 0; t < expert.view().dim(0); ++t) {
    const int first = draw.whole(0, n_experts - 2);
    for (int64_t k = 0; k < expert.view().cols(); ++k) {
      expert.ints(t)[k] = static_cast<int32_t>((first + k) % (n_experts - 1));
    }
  }
}

/// By how much two values may come apart that were `error` apart before they became inputs of a product with weights in
/// `format`. Rounded to bf16: after_rounding. On a grid, where even the blocks' exponents may differ: by twice what a
/// block loses, as a share of its largest value (input_codec_test.cpp).
std::vector<double> after_preparing(const std::vector<double>& error, const float* value, const Numerics& numerics,
                                    WeightFormat format) {
  const InputCodec codec = codec_for_weights(numerics.input_codec, format);
  const bool rounds = numerics.round_gemm_input && format != WeightFormat::kF32;
  std::vector<double> after;
  for (size_t i = 0; i < error.size(); ++i) {
    if (codec == InputCodec::kNone) {
      after.push_back(after_rounding(error[i], value[i], rounds));
      continue;
    }
    const size_t from = i - i % kInputBlock, to = std::min(from + kInputBlock, error.size());
    double largest = 0;
    for (size_t k = from; k < to; ++k) largest = std::max(largest, std::fabs(value[k]) + error[k]);
    const double share = codec == InputCodec::kInt8 ? 1.0 / 127 : codec == InputCodec::kMxfp8 ? 1.0 / 16 : 1.0 / 5;
    after.push_back(error[i] + 2 * share * largest);
  }
  return after;
}

/// Error of one expert's output for row x [1, D], carried through by first principles: gate and up are products;
/// |silu'| <= 1.1, so h = silu(gate) * up is off by 1.1 dg |up| + |silu| du (and their product), exp's 2^-20 and the
/// roundings of the grid; `down` carries that on, its input rounded once more. Without `flips` no rounding of an
/// input is taken to fall the other way, which is so for nearly every value.
std::vector<double> expert_error(const View& x, const MlpMatrices& w, const Numerics& numerics, bool flips) {
  const bool bf16 = flips && numerics.activation == DType::kBF16;
  ScalarBackend scalar(numerics);
  Guarded gate(kF32, {1, w.gate.n}), up(kF32, {1, w.up.n}), hidden(kF32, {1, w.up.n}), out(kF32, {1, w.down.n});
  scalar.linear(gate.view(), x, w.gate);
  scalar.linear(up.view(), x, w.up);
  scalar.swiglu(hidden.view(), gate.view(), up.view());
  scalar.linear(out.view(), hidden.view(), w.down);
  const ProductBound gate_bound(x, w.gate, numerics), up_bound(x, w.up, numerics);
  std::vector<double> hidden_error;
  for (int64_t i = 0; i < w.gate.n; ++i) {
    const double g = gate.row(0)[i], u = up.row(0)[i], h = hidden.row(0)[i];
    const double dg = after_rounding(gate_bound(0, i), g, bf16), du = after_rounding(up_bound(0, i), u, bf16);
    const double silu = std::fabs(g / (1 + std::exp(-g)));
    double error = 1.1 * dg * (std::fabs(u) + du) + silu * du + 0x1p-20 * std::fabs(h);
    hidden_error.push_back(after_rounding(after_rounding(error, h, bf16), h, bf16));
  }
  if (flips) hidden_error = after_preparing(hidden_error, hidden.row(0), numerics, w.down.format);
  const ProductBound bound(hidden.view(), w.down, numerics, hidden_error);
  std::vector<double> total;
  for (int64_t i = 0; i < w.down.n; ++i) total.push_back(after_rounding(bound(0, i), out.row(0)[i], bf16));
  return total;
}

/// [T, D], for the weighted sum over each row's experts.
std::vector<double> moe_error(const Guarded& x, const Guarded& expert, const Guarded& weight,
                              const std::vector<MlpMatrices>& experts, const Numerics& numerics, bool flips) {
  std::vector<double> error;
  for (int64_t t = 0; t < x.view().dim(0); ++t) {
    std::vector<double> row(static_cast<size_t>(x.view().cols()));
    for (int64_t k = 0; k < expert.view().cols(); ++k) {
      const MlpMatrices& w = experts[static_cast<size_t>(expert.ints(t)[k])];
      const auto own = expert_error(slice_rows(x.view(), t, 1), w, numerics, flips);
      for (size_t i = 0; i < own.size(); ++i) row[i] += 1.001 * std::fabs(weight.row(t)[k]) * own[i];
    }
    error.insert(error.end(), row.begin(), row.end());
  }
  return error;
}

struct MoeCase {
  int64_t t, d, width;
  int n_experts;
  int64_t k;
  std::array<WeightFormat, 3> format;
};

const std::vector<MoeCase>& moe_cases() {
  constexpr auto kBf16 = WeightFormat::kBF16, kF16 = WeightFormat::kF16, kFp8 = WeightFormat::kFp8Block,
                 kFp4 = WeightFormat::kMxfp4, kQ8 = WeightFormat::kQ8, kFull = WeightFormat::kF32;
  static const std::vector<MoeCase> kCases = {
      {1, 33, 7, 3, 1, {kFull, kFull, kFull}},    {5, 31, 33, 5, 3, {kBf16, kBf16, kBf16}},
      {3, 17, 40, 4, 2, {kF16, kF16, kF16}},      {7, 129, 65, 4, 2, {kFp8, kFp8, kFp8}},
      {9, 96, 64, 6, 4, {kFp4, kFp4, kFp4}},      {6, 64, 96, 5, 2, {kFp4, kBf16, kF16}},
      {4, 65, 32, 4, 2, {kFull, kFp8, kFp4}},     {5, 64, 96, 4, 2, {kQ8, kQ8, kQ8}},
      {40, 128, 128, 8, 2, {kBf16, kBf16, kBf16}}};
  return kCases;
}

TEST_P(ExpertConformance, MoeIsWithinItsBound) {
  Draw draw(21);
  for (const MoeCase& c : moe_cases()) {
    const Experts experts(c.n_experts, c.d, c.width, c.format, draw, GetParam().order);
    const Guarded x(kF32, {c.t, c.d}), weight(kF32, {c.t, c.k}), expert(kI32, {c.t, c.k});
    draw.fill(x, Values::kReal);
    draw.fill(weight, Values::kReal);
    choose(expert, c.n_experts, draw);
    for (const Numerics& numerics : all_numerics()) {
      Guarded wanted(kF32, {c.t, c.d}), found(kF32, {c.t, c.d});
      ScalarBackend(numerics).moe(wanted.view(), x.view(), expert.view(), weight.view(), experts.matrices);
      backend(numerics).moe(found.view(), x.view(), expert.view(), weight.view(), experts.matrices);
      const auto bound = moe_error(x, expert, weight, experts.matrices, numerics, true);
      ASSERT_TRUE(is_close(found, wanted, numerics.activation,
                           [&](int64_t t, int64_t i, double) { return bound[static_cast<size_t>(t * c.d + i)]; }))
          << c.t << " " << c.d << " " << c.width << " " << weight_format_name(c.format[0]);
      if (numerics.activation == DType::kBF16) continue;
      const auto usual = moe_error(x, expert, weight, experts.matrices, numerics, false);
      int64_t n_unusual = 0;
      for (int64_t i = 0; i < c.t * c.d; ++i) {
        const double off = static_cast<double>(found.row(i / c.d)[i % c.d]) - wanted.row(i / c.d)[i % c.d];
        n_unusual += std::fabs(off) > usual[static_cast<size_t>(i)] ? 1 : 0;
      }
      ASSERT_LE(n_unusual, c.t * c.d / 10) << "hidden values were rounded another way";
    }
  }
}

TEST_P(ExpertConformance, MoeRowsDependOnNothingElse) {
  Draw draw(22);
  for (const MoeCase& c : moe_cases()) {
    const Experts experts(c.n_experts, c.d, c.width, c.format, draw, GetParam().order);
    const Guarded x(kF32, {c.t, c.d}), weight(kF32, {c.t, c.k}), expert(kI32, {c.t, c.k});
    draw.fill(x, Values::kReal);
    draw.fill(weight, Values::kReal);
    choose(expert, c.n_experts, draw);
    for (const Numerics& numerics : all_numerics()) {
      Guarded together(kF32, {c.t, c.d}), alone(kF32, {c.t, c.d});
      backend(numerics).moe(together.view(), x.view(), expert.view(), weight.view(), experts.matrices);
      SimdBackend one = backend(numerics, 1);
      for (int64_t t = 0; t < c.t; ++t) {
        const auto row = [t](const Guarded& g) { return slice_rows(g.view(), t, 1); };
        one.moe(row(alone), row(x), row(expert), row(weight), experts.matrices);
      }
      ASSERT_TRUE(is_same(together, alone)) << c.t << " " << c.d << " " << weight_format_name(c.format[0]);
    }
  }
}

TEST_P(ExpertConformance, AStepWithoutRowsIsNothing) {
  Draw draw(23);
  const Experts experts(2, 32, 32, {WeightFormat::kBF16, WeightFormat::kBF16, WeightFormat::kBF16}, draw,
                        GetParam().order);
  const Guarded x(kF32, {0, 32}), weight(kF32, {0, 2}), expert(kI32, {0, 2});
  Guarded y(kF32, {0, 32});
  backend(Numerics::serving()).moe(y.view(), x.view(), expert.view(), weight.view(), experts.matrices);
  EXPECT_TRUE(y.intact());
}

TEST_P(ExpertConformance, RouteIsExact) {
  Draw draw(24);
  for (const int64_t n_experts : {4, 12, 256}) {
    const int64_t t = n_experts == 256 ? 31 : 7;
    const Guarded logit(kF32, {t, n_experts}), bias(kF32, {1, n_experts});
    draw.fill(logit, Values::kWhole);  // many ties
    draw.fill(bias, Values::kReal, 0.1f);
    RouterOptions options{2, 2, 1, true, 2.5f};
    for (const bool normalize : {true, false}) {
      options.normalize = normalize;
      Guarded expert(kI32, {t, 2}), wanted_expert(kI32, {t, 2}), weight(kF32, {t, 2}), wanted_weight(kF32, {t, 2});
      const std::span<const float> b(bias.row(0), static_cast<size_t>(n_experts));
      backend(Numerics::serving()).route(expert.view(), weight.view(), logit.view(), b, options);
      ScalarBackend(Numerics::serving()).route(wanted_expert.view(), wanted_weight.view(), logit.view(), b, options);
      EXPECT_TRUE(is_same(expert, wanted_expert));
      EXPECT_TRUE(is_same(weight, wanted_weight));
    }
  }
}

}  // namespace
}  // namespace drawbridge
