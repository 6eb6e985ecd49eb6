// Every op of the bundled model is measured at every number of tokens, with its shape and cost; never how fast it is.
#include "bench/op_speed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "base/json.h"
#include "bench/random_weights.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

BenchOpsOptions quick() {
  BenchOpsOptions o;
  o.model = std::string(DB_SOURCE_DIR) + "/models/glm52-nano";
  o.tokens = {1, 3};
  o.context = 64;
  o.n_rounds = 1;
  o.sample_s = 0;
  o.footprint = 1 << 20;
  o.machine.n_rounds = 1;
  o.machine.buffer_bytes = 4 << 20;
  o.machine.sample_s = 0.0005;
  return o;
}

TEST(OpSpeed, EveryOpAtEveryNumberOfTokens) {
  const auto report = measure_ops(quick());
  ASSERT_TRUE(report.ok()) << report.status().message();
  std::set<std::string> ops;
  for (size_t i = 0; i < report->rows.size(); ++i) {
    const OpSpeedRow& row = report->rows[i];
    ops.insert(row.op);
    EXPECT_EQ(row.n_tokens, i % 2 == 0 ? 1 : 3);
    EXPECT_GT(row.bytes, 0) << row.name;
    EXPECT_GT(row.us.min, 0) << row.name;
    EXPECT_LE(row.us.min, row.us.median);
    EXPECT_GT(row.least_us, 0) << row.name;
  }
  // No "add": the shared expert is one of the experts.
  const std::set<std::string> all = {"embed",         "add_rms_norm", "rms_norm", "layer_norm", "linear",
                                     "linear_f32",    "linear_heads", "rope",     "kv_write",   "index_topk",
                                     "mla_attention", "route",        "moe",      "swiglu",     "sample"};
  EXPECT_EQ(ops, all);
}

TEST(OpSpeed, ShapesAreTheModelsAndFormatsAreChosen) {
  BenchOpsOptions o = quick();
  o.ops = {"moe"};
  o.format = "mxfp4";
  o.activation = "int8";
  int64_t n_progress = 0;
  o.progress = [&](int64_t, int64_t total, const std::string&) { n_progress += total; };
  std::ostringstream out;
  o.json = true;
  ASSERT_TRUE(run_bench_ops(o, out).ok());
  const Json json = parse_json(out.str(), "report").value();
  ASSERT_EQ(json["ops"].size(), 2u);
  EXPECT_THAT(json["ops"][0]["weights"].get<std::string>(), HasSubstr("x 256 mxfp4"));
  EXPECT_THAT(json["backend"].get<std::string>(), HasSubstr("int8 inputs for mxfp4"));
  EXPECT_EQ(n_progress, 1);
}

TEST(OpSpeed, TheTableNamesWhatWasMeasured) {
  BenchOpsOptions o = quick();
  o.ops = {"linear_heads", "index_topk"};
  o.format = "q8";
  o.kv_cache_dtype = "fp8_ds_mla";
  std::ostringstream out;
  ASSERT_TRUE(run_bench_ops(o, out).ok());
  for (const char* part : {"attention k_b", "attention v_b", "indexer", "of limit", "memory is read at"}) {
    EXPECT_THAT(out.str(), HasSubstr(part));
  }
}

TEST(OpSpeed, WrongOptionsAreRefusedByName) {
  const auto error = [](auto change) {
    BenchOpsOptions o = quick();
    change(o);
    return measure_ops(o).status().message();
  };
  EXPECT_THAT(error([](auto& o) { o.ops = {"linaer"}; }), HasSubstr("--op: wanted some of add_rms_norm, "));
  EXPECT_THAT(error([](auto& o) { o.tokens = {0}; }), HasSubstr("--tokens: wanted 1 to"));
  EXPECT_THAT(error([](auto& o) { o.tokens = {}; }), HasSubstr("--tokens"));
  EXPECT_THAT(error([](auto& o) { o.format = "int4"; }), HasSubstr("--format: wanted model, bf16"));
  EXPECT_THAT(error([](auto& o) { o.activation = "fp16"; }), HasSubstr("--activation"));
  EXPECT_THAT(error([](auto& o) { o.kv_cache_dtype = "int8"; }), HasSubstr("--kv-cache-dtype"));
  EXPECT_THAT(error([](auto& o) { o.n_rounds = 0; }), HasSubstr("--rounds"));
}

/// Copies lie apart and hold the same numbers, whatever order the backend wants.
TEST(OpSpeed, CopiesOfAMatrixAreEqual) {
  const auto backend = make_cpu_backend({"auto", 1, Numerics::serving()}).value();
  for (const WeightFormat format :
       {WeightFormat::kF32, WeightFormat::kBF16, WeightFormat::kFp8Block, WeightFormat::kMxfp4, WeightFormat::kQ8}) {
    PackedStore store;
    const Matrix drawn = draw_matrix(format, 20, 96, store);
    const MatrixCopies copies = MatrixCopies::create(*backend, drawn, {2}).value();
    std::vector<float> wanted(96), found(96);
    double squares = 0;
    for (int64_t n = 0; n < 20; ++n) {
      dequantize_row(drawn, n, wanted.data());
      for (const float v : wanted) squares += static_cast<double>(v) * v;
      for (int64_t copy = 0; copy < 2; ++copy) {
        dequantize_row(copies.at(copy), n, found.data());
        ASSERT_EQ(found, wanted) << weight_format_name(format);
      }
    }
    EXPECT_NE(copies.at(0).data, copies.at(1).data);
    EXPECT_EQ(copies.at(0).data, copies.at(2).data);
    // A product with inputs of unit variance has about unit variance.
    EXPECT_GT(squares / 20, 0.3) << weight_format_name(format);
    EXPECT_LT(squares / 20, 3) << weight_format_name(format);
  }
}

}  // namespace
}  // namespace drawbridge
