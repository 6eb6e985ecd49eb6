// The trace counts what is asked for while it is on, and changes no result.
#include "backend/trace_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::ElementsAre;

class TraceTest : public testing::Test {
 protected:
  TraceTest() : backend_(make_trace_backend(make_cpu_backend({"portable", 2, Numerics::serving()}).value(), trace_)) {}

  static View f32(std::vector<float>& data, std::initializer_list<int64_t> shape) {
    return dense_view(data.data(), DType::kF32, shape);
  }
  static View i32(std::vector<int32_t>& data, std::initializer_list<int64_t> shape) {
    return dense_view(data.data(), DType::kI32, shape);
  }
  OpTotals only_op() const {
    EXPECT_EQ(trace_.ops().size(), 1u);
    return trace_.ops().at(0);
  }

  OpTrace trace_;
  std::unique_ptr<Backend> backend_;
};

TEST_F(TraceTest, RecordsOnlyBetweenStartAndStop) {
  std::vector<float> x = {1, 2}, y = {3, 4};
  backend_->add(f32(y, {1, 2}), f32(x, {1, 2}));
  trace_.start();
  backend_->add(f32(y, {1, 2}), f32(x, {1, 2}));
  backend_->synchronize();
  trace_.stop();
  backend_->add(f32(y, {1, 2}), f32(x, {1, 2}));
  backend_->synchronize();
  EXPECT_THAT(y, ElementsAre(6, 10));
  EXPECT_EQ(trace_.n_steps(), 1);
  EXPECT_GE(trace_.seconds(), 1e-9 * static_cast<double>(only_op().nanoseconds));
  EXPECT_EQ(only_op().op, "add");
  EXPECT_EQ(only_op().n_calls, 1);
  EXPECT_EQ(only_op().bytes, 24);
  EXPECT_THAT(only_op().operations, ElementsAre(2, 0, 0));
  trace_.start();
  EXPECT_TRUE(trace_.ops().empty());
}

TEST_F(TraceTest, SumsCallsOfOneShapeAndTellsShapesApart) {
  std::vector<float> w(6, 1.0f), x = {1, 2}, y(3), z(2);
  const Matrix tall{WeightFormat::kF32, 3, 2, w.data(), nullptr}, flat{WeightFormat::kF32, 2, 3, w.data(), nullptr};
  trace_.start();
  backend_->linear(f32(y, {1, 3}), f32(x, {1, 2}), tall);
  backend_->linear(f32(y, {1, 3}), f32(x, {1, 2}), tall);
  backend_->linear(f32(z, {1, 2}), f32(y, {1, 3}), flat);
  EXPECT_THAT(z, ElementsAre(9, 9));
  std::map<std::string, int64_t> calls;
  for (const OpTotals& op : trace_.ops()) {
    calls[op.op + " " + op.weights] = op.n_calls;
    EXPECT_EQ(op.weight_bytes, op.n_calls * 24);
  }
  EXPECT_EQ(calls, (std::map<std::string, int64_t>{{"linear 2 x 3 f32", 1}, {"linear 3 x 2 f32", 2}}));
}

TEST_F(TraceTest, ANormAndItsProductsAreOneOp) {
  std::vector<float> w(6, 1.0f), x = {3, 4}, y(2), a(3), b(2);
  const std::vector<float> norm = {1, 1};
  const Matrix tall{WeightFormat::kF32, 3, 2, w.data(), nullptr}, small{WeightFormat::kF32, 2, 2, w.data(), nullptr};
  const std::vector<Product> products = {{f32(a, {1, 3}), &tall}, {View(), nullptr}, {f32(b, {1, 2}), &small, true}};
  trace_.start();
  backend_->norm_linear(f32(y, {1, 2}), {f32(x, {1, 2}), View(), norm, 0}, products);
  EXPECT_EQ(only_op().op, "norm_linear");
  EXPECT_EQ(only_op().weights, "3+2 x 2 f32");
  EXPECT_EQ(only_op().n_calls, 1);
  const OpCost norm_cost = rms_norm_cost(1, 2);
  const OpCost first = linear_cost(1, tall, Arithmetic::kF32), second = linear_cost(1, small, Arithmetic::kF32);
  EXPECT_EQ(only_op().bytes, norm_cost.bytes() + first.bytes() + second.bytes());
  EXPECT_EQ(only_op().operations[0], norm_cost.operations + first.operations + second.operations);
  EXPECT_EQ(a[0], y[0] + y[1]);
  EXPECT_EQ(b, std::vector<float>(2, a[0]));
}

TEST_F(TraceTest, CountsADistinctExpertOnce) {
  std::vector<float> w(6, 1.0f), x = {1, 2, 3, 4}, y(4), weight(4, 0.5f);
  std::vector<int32_t> expert = {0, 2, 2, 0};  // expert 1 is not read
  const Matrix gate{WeightFormat::kF32, 3, 2, w.data(), nullptr}, down{WeightFormat::kF32, 2, 3, w.data(), nullptr};
  const std::vector<MlpMatrices> experts(3, MlpMatrices{gate, gate, down});
  trace_.start();
  backend_->moe(f32(y, {2, 2}), f32(x, {2, 2}), i32(expert, {2, 2}), f32(weight, {2, 2}), experts);
  EXPECT_EQ(only_op().weight_bytes, 2 * 3 * 24);
  EXPECT_EQ(only_op().operations[0], 4 * (3 * 12 + 3 * 4 + 4));
}

TEST_F(TraceTest, CountsKeysByTheirPlaceInTheCache) {
  // Two requests of three tokens each on pages of two; two rows of the first, one of the second.
  std::vector<uint16_t> data(8 * 3, 0x3f80);
  const PagedView cache{data.data(), latent_format(KvCacheType::kBF16, 2, 1), 4, 2, nullptr};
  const std::vector<int32_t> request = {0, 0, 1}, pages = {0, 2, 1, 3};
  const RowMap map{request.data(), pages.data(), 2, 2};
  std::vector<int32_t> selected = {0, 1, -1, 0, 1, 2, 0, 2, -1};
  std::vector<float> q(6, 1.0f), q_rope(3, 1.0f), o(6);
  trace_.start();
  backend_->mla_attention(f32(o, {3, 1, 2}), f32(q, {3, 1, 2}), f32(q_rope, {3, 1, 1}), cache, map,
                          i32(selected, {3, 3}), 1.0f);
  // 7 pairs; positions 0, 1, 2 of the first request and 0, 2 of the second: rows of 6 bytes.
  const OpCost cost = mla_attention_cost(3, 1, 2, cache.format, {7, 5});
  EXPECT_EQ(only_op().bytes, cost.bytes());
  EXPECT_EQ(only_op().operations[static_cast<size_t>(Arithmetic::kBf16)], cost.operations);
}

TEST_F(TraceTest, OnlyLongRowsScoreKeys) {
  std::vector<uint16_t> data(8 * 2, 0x3f80);
  const PagedView cache{data.data(), index_format(KvCacheType::kBF16, 2), 4, 2, nullptr};
  const std::vector<int32_t> request = {0, 0}, pages = {0, 2}, pos = {1, 2};
  const RowMap map{request.data(), pages.data(), 2, 1};
  std::vector<int32_t> selected(4);
  std::vector<float> q(4, 1.0f), head_weight(2, 1.0f);
  trace_.start();
  backend_->index_topk(i32(selected, {2, 2}), f32(q, {2, 1, 2}), f32(head_weight, {2, 1}), cache, map, pos);
  EXPECT_EQ(only_op().bytes, index_topk_cost(2, 1, 2, cache.format, {3, 3}).bytes());
}

TEST_F(TraceTest, CountsTheRegionsOfItsOps) {
  std::vector<float> w(1024 * 1024, 1.0f), x(1024, 1.0f), y(1024);
  const Matrix square{WeightFormat::kF32, 1024, 1024, w.data(), nullptr};
  backend_->linear(f32(y, {1, 1024}), f32(x, {1, 1024}), square);
  trace_.start();
  backend_->linear(f32(y, {1, 1024}), f32(x, {1, 1024}), square);
  EXPECT_EQ(trace_.parallel().n_regions, 1);
  EXPECT_GE(trace_.parallel().wait_ns, 0);
  EXPECT_EQ(backend_->parallel_counts().n_regions, 2);
}

}  // namespace
}  // namespace drawbridge
