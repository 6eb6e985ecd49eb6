// Costs against numbers worked out by hand.
#include "backend/op_cost.h"

#include <gtest/gtest.h>

#include <vector>

namespace drawbridge {
namespace {

Matrix shape_of(WeightFormat format, int64_t n, int64_t k) {
  return Matrix{format, n, k, nullptr, nullptr};
}

void expect_cost(const OpCost& cost, int64_t weights, int64_t read, int64_t written, int64_t operations) {
  EXPECT_EQ(cost.weight_bytes, weights);
  EXPECT_EQ(cost.bytes_read, read);
  EXPECT_EQ(cost.bytes_written, written);
  EXPECT_EQ(cost.operations, operations);
}

TEST(OpCost, LinearReadsWeightsOnceForAllTokens) {
  // 64 x 128 bf16 weights: 16384 bytes. Three tokens of 128 f32 in (1536), 64 out (768).
  expect_cost(linear_cost(3, shape_of(WeightFormat::kBF16, 64, 128), Arithmetic::kBf16), 16384, 17920, 768,
              2 * 3 * 64 * 128);
}

TEST(OpCost, LinearCountsScales) {
  // MXFP4: 64 x 128 / 2 codes and 64 x 4 scales. FP8: 130 x 300 codes and 2 x 3 f32 scales. q8: 2 bytes for each 32.
  EXPECT_EQ(linear_cost(1, shape_of(WeightFormat::kMxfp4, 64, 128), Arithmetic::kInt8).weight_bytes, 4096 + 256);
  EXPECT_EQ(linear_cost(1, shape_of(WeightFormat::kFp8Block, 130, 300), Arithmetic::kBf16).weight_bytes, 39000 + 24);
  EXPECT_EQ(linear_cost(1, shape_of(WeightFormat::kQ8, 64, 128), Arithmetic::kInt8).weight_bytes, 8192 + 512);
}

TEST(OpCost, LinearHeadsReadsEachHeadsInput) {
  // Two tokens, four heads of 16 in and 8 out: w is 32 x 16 in f32.
  expect_cost(linear_heads_cost(2, 4, shape_of(WeightFormat::kF32, 32, 16), Arithmetic::kF32), 2048,
              2048 + 2 * 4 * 16 * 4, 2 * 32 * 4, 2 * 2 * 32 * 16);
}

TEST(OpCost, MoeReadsEachChosenExpertOnce) {
  const MlpMatrices expert{shape_of(WeightFormat::kBF16, 8, 16), shape_of(WeightFormat::kBF16, 8, 16),
                           shape_of(WeightFormat::kBF16, 16, 8)};
  const std::vector<MlpMatrices> read(3, expert);
  // Four tokens with two experts each, of which three are distinct: 3 x 3 x 128 weights of 2 bytes. Inputs: 4 x 16 f32,
  // 8 numbers of experts and 8 weights. A slot is three products of 128, 4 operations for each of 8 hidden values and a
  // multiply-add for each of 16 outputs.
  expect_cost(moe_cost(4, 2, read, Arithmetic::kBf16), 2304, 2304 + 256 + 64, 256, 8 * (768 + 32 + 32));
  expect_cost(moe_cost(0, 2, {}, Arithmetic::kBf16), 0, 0, 0, 0);
}

TEST(OpCost, EmbedReadsOneRowPerToken) {
  expect_cost(embed_cost(3, shape_of(WeightFormat::kBF16, 1000, 64)), 3 * 128, 3 * 128 + 3 * 4, 3 * 256, 0);
}

TEST(OpCost, Norms) {
  expect_cost(rms_norm_cost(2, 64), 256, 512 + 256, 512, 4 * 128);
  expect_cost(add_rms_norm_cost(2, 64), 256, 1024 + 256, 1024, 5 * 128);
  expect_cost(layer_norm_cost(2, 64), 512, 512 + 512, 512, 8 * 128);
}

TEST(OpCost, Movements) {
  expect_cost(swiglu_cost(2, 10), 0, 160, 80, 80);
  expect_cost(add_cost(2, 10), 0, 160, 80, 20);
  expect_cost(copy_cost(2, 10), 0, 80, 80, 0);
  expect_cost(fill_cost(2, 10), 0, 0, 80, 0);
  expect_cost(rope_cost(6, 4), 0, 96, 96, 72);
  expect_cost(route_cost(2, 16, 3), 64, 128 + 64, 2 * 2 * 3 * 4, 4 * 32);
}

TEST(OpCost, CacheRowsCountOnceAndPairsAsWork) {
  const KvFormat bf16 = latent_format(KvCacheType::kBF16, 512, 64);
  // Two rows that look at 5 and 6 keys, 6 of them distinct, with 4 heads.
  const KeyReads reads{11, 6};
  expect_cost(mla_attention_cost(2, 4, 512, bf16, reads), 0, 6 * 1152 + 44 + 2 * 4 * 576 * 4, 2 * 4 * 512 * 4,
              11 * 4 * (2 * 576 + 1 + 2 * 512));
  const KvFormat packed = latent_format(KvCacheType::kFp8DsMla, 512, 64);
  EXPECT_EQ(mla_attention_cost(1, 4, 512, packed, {6, 6}).bytes_read, 6 * 656 + 24 + 4 * 576 * 4);
  expect_cost(kv_write_cost(3, bf16), 0, 3 * 2304, 3 * 1152, 0);
}

TEST(OpCost, IndexerReadsNothingWhereAllKeysAreSelected) {
  const KvFormat keys = index_format(KvCacheType::kBF16, 128);
  expect_cost(index_topk_cost(3, 32, 64, keys, {}), 0, 0, 3 * 64 * 4, 0);
  // One row scores 100 keys with 32 heads: q 32 x 128 and 32 head weights.
  expect_cost(index_topk_cost(1, 32, 64, keys, {100, 100}), 0, 100 * 256 + 32 * 129 * 4, 256, 100 * 32 * 258);
}

TEST(OpCost, ArithmeticFollowsFormatAndInputs) {
  Numerics serving = Numerics::serving();
  EXPECT_EQ(product_arithmetic(WeightFormat::kMxfp4, serving), Arithmetic::kBf16);
  EXPECT_EQ(product_arithmetic(WeightFormat::kF32, serving), Arithmetic::kF32);
  serving.input_codec = InputCodec::kInt8;
  EXPECT_EQ(product_arithmetic(WeightFormat::kMxfp4, serving), Arithmetic::kInt8);
  EXPECT_EQ(product_arithmetic(WeightFormat::kQ8, serving), Arithmetic::kInt8);
  EXPECT_EQ(product_arithmetic(WeightFormat::kFp8Block, serving), Arithmetic::kBf16);
  EXPECT_EQ(product_arithmetic(WeightFormat::kBF16, serving), Arithmetic::kBf16);
  EXPECT_EQ(product_arithmetic(WeightFormat::kMxfp4, Numerics::parity(DType::kF32)), Arithmetic::kF32);
}

}  // namespace
}  // namespace drawbridge
