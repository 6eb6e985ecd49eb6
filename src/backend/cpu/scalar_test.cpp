// The reference ops against numbers worked out by hand or from their definition.
#include "backend/cpu/scalar.h"

#include <gtest/gtest.h>

#include <cmath>

namespace drawbridge {
namespace {

View f32(std::vector<float>& data, std::initializer_list<int64_t> shape) {
  return dense_view(data.data(), DType::kF32, shape);
}

ScalarBackend make_scalar() {
  return ScalarBackend(Numerics::parity(DType::kF32));
}

TEST(Scalar, RmsNormDividesByTheRootMeanSquare) {
  std::vector<float> x = {3, 4}, y(2);
  const std::vector<float> w = {1, 2};
  make_scalar().rms_norm(f32(y, {1, 2}), f32(x, {1, 2}), w, 0.0f);
  EXPECT_FLOAT_EQ(y[0], 3 / std::sqrt(12.5f));
  EXPECT_FLOAT_EQ(y[1], 8 / std::sqrt(12.5f));
}

TEST(Scalar, ParityRoundsTheNormTwice) {
  std::vector<float> x = {1.0f, 0.3f, 0.7f, 0.9f}, once(4), twice(4);
  const std::vector<float> w(4, 1.37f);
  ScalarBackend(Numerics::parity(DType::kBF16)).rms_norm(f32(twice, {1, 4}), f32(x, {1, 4}), w, 1e-5f);
  ScalarBackend(Numerics::serving()).rms_norm(f32(once, {1, 4}), f32(x, {1, 4}), w, 1e-5f);
  EXPECT_NE(once, twice);
  for (const float v : twice) EXPECT_EQ(v, round_to_bf16(v));
}

TEST(Scalar, LayerNormSubtractsTheMean) {
  std::vector<float> x = {1, 3}, y(2);
  const std::vector<float> w = {2, 2}, b = {10, 20};
  make_scalar().layer_norm(f32(y, {1, 2}), f32(x, {1, 2}), w, b, 0.0f);
  EXPECT_FLOAT_EQ(y[0], 8);
  EXPECT_FLOAT_EQ(y[1], 22);
}

TEST(Scalar, RopeRotatesAdjacentPairs) {
  std::vector<float> x = {1, 0, 0, 1};
  const std::vector<int32_t> pos = {2};
  make_scalar().rope(f32(x, {1, 4}), pos, 10000.0f);
  EXPECT_FLOAT_EQ(x[0], std::cos(2.0f));
  EXPECT_FLOAT_EQ(x[1], std::sin(2.0f));
  EXPECT_FLOAT_EQ(x[2], -std::sin(0.02f));
  EXPECT_FLOAT_EQ(x[3], std::cos(0.02f));
}

TEST(Scalar, LinearHeadsUsesEachHeadsRows) {
  std::vector<float> x = {1, 2}, y(4);
  const std::vector<float> w = {1, 10, 100, 1000};  // two heads, N = 2, K = 1
  make_scalar().linear_heads(f32(y, {1, 2, 2}), f32(x, {1, 2, 1}), Matrix{WeightFormat::kF32, 4, 1, w.data(), nullptr});
  EXPECT_EQ(y, (std::vector<float>{1, 10, 200, 2000}));
}

TEST(Scalar, RouterChoosesByBiasAndWeighsWithoutIt) {
  std::vector<float> logit = {0, 0, 4}, weight(2);
  std::vector<int32_t> expert(2);
  const std::vector<float> bias = {34.5f, 34.4f, 0};  // a large common offset must not decide the weights
  RouterOptions options;
  options.experts_per_token = 2;
  options.scaling_factor = 2.5f;
  make_scalar().route(dense_view(expert.data(), DType::kI32, {1, 2}), f32(weight, {1, 2}), f32(logit, {1, 3}), bias,
                      options);
  EXPECT_EQ(expert, (std::vector<int32_t>{0, 1}));
  EXPECT_FLOAT_EQ(weight[0], 1.25f);
  EXPECT_FLOAT_EQ(weight[1], 1.25f);
}

TEST(Scalar, IndexerKeepsTheBestPositionsAscending) {
  std::vector<float> keys = {1, 5, 3, 4}, q = {1}, head = {1};
  const PagedView cache{keys.data(), index_format(KvCacheType::kF32, 1), 4, 1, nullptr};
  const std::vector<int32_t> table = {0, 1, 2, 3}, request = {0}, pos = {3};
  const RowMap map{request.data(), table.data(), 4, 1};
  std::vector<int32_t> selected(2);
  make_scalar().index_topk(dense_view(selected.data(), DType::kI32, {1, 2}), f32(q, {1, 1, 1}), f32(head, {1, 1}),
                           cache, map, pos);
  EXPECT_EQ(selected, (std::vector<int32_t>{1, 3}));
}

TEST(Scalar, AttentionReadsThroughThePageTable) {
  // Two pages of one token, in reverse order; one latent and one rope element.
  std::vector<float> cache_data = {7, 0, 3, 0}, q_latent = {0}, q_rope = {0}, o(1);
  const PagedView cache{cache_data.data(), latent_format(KvCacheType::kF32, 1, 1), 2, 1, nullptr};
  const std::vector<int32_t> table = {1, 0}, request = {0};
  const RowMap map{request.data(), table.data(), 2, 1};
  std::vector<int32_t> selected = {0, -1};
  const auto attend = [&] {
    make_scalar().mla_attention(f32(o, {1, 1, 1}), f32(q_latent, {1, 1, 1}), f32(q_rope, {1, 1, 1}), cache, map,
                                dense_view(selected.data(), DType::kI32, {1, 2}), 1.0f);
    return o[0];
  };
  EXPECT_EQ(attend(), 3.0f);
  selected = {0, 1};
  EXPECT_EQ(attend(), 5.0f);
}

TEST(Scalar, ExpertsAreSummedByWeight) {
  const std::vector<float> one = {1}, two = {2};
  const auto matrix = [](const std::vector<float>& v) { return Matrix{WeightFormat::kF32, 1, 1, v.data(), nullptr}; };
  const std::vector<MlpMatrices> experts = {{matrix(one), matrix(one), matrix(one)},
                                            {matrix(one), matrix(one), matrix(two)}};
  std::vector<float> x = {1}, y(1), weight = {0.5f, 0.25f};
  std::vector<int32_t> expert = {0, 1};
  make_scalar().moe(f32(y, {1, 1}), f32(x, {1, 1}), dense_view(expert.data(), DType::kI32, {1, 2}), f32(weight, {1, 2}),
                    experts);
  EXPECT_FLOAT_EQ(y[0], 1.0f / (1.0f + std::exp(-1.0f)));
}

}  // namespace
}  // namespace drawbridge
