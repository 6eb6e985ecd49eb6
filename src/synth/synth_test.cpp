// Same seed, same bytes; every type loads, computes finite logits and contradicts nothing.
#include "synth/synth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"
#include "checkpoint/matrix_source.h"
#include "model/random_checkpoint_test.h"
#include "model/tiny_model_test.h"
#include "synth/draw.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kConfig = std::string(DB_SOURCE_DIR) + "/tests/golden/model/mtp/config.json";

class SynthTest : public testing::Test {
 protected:
  void SetUp() override {
    base_ = process_directory("synth");
    fs::remove_all(base_);
    fs::create_directories(base_);
  }
  void TearDown() override { fs::remove_all(base_); }

  SynthOptions options(const std::string& name, SynthDType dtype = SynthDType::kBF16) const {
    SynthOptions o;
    o.source = kConfig;
    o.target = base_ + "/" + name;
    o.dtype = dtype;
    o.seed = 7;
    return o;
  }
  std::string content(const std::string& file) const { return read_text_file(base_ + "/" + file, 1 << 28).value(); }

  std::string base_;
};

TEST_F(SynthTest, SameSeedSameBytes) {
  for (const SynthDType dtype : {SynthDType::kBF16, SynthDType::kFp8, SynthDType::kMxfp4}) {
    SynthOptions one = options("one", dtype), two = options("two", dtype), other = options("other", dtype);
    other.seed = 8;
    for (const auto& o : {one, two, other}) ASSERT_TRUE(synthesize(o).ok());
    for (const auto& entry : fs::directory_iterator(one.target)) {
      const std::string name = entry.path().filename().string();
      EXPECT_EQ(content("one/" + name), content("two/" + name)) << name;
    }
    EXPECT_NE(content("one/model.safetensors"), content("other/model.safetensors"));
    for (const auto& o : {one, two, other}) fs::remove_all(o.target);
  }
}

TEST_F(SynthTest, ShardsHoldTheSameNumbers) {
  SynthOptions whole = options("whole", SynthDType::kFp8), cut = options("cut", SynthDType::kFp8);
  cut.shard_bytes = 50'000;
  ASSERT_TRUE(synthesize(whole).ok());
  ASSERT_TRUE(synthesize(cut).ok());
  const Checkpoint one = Checkpoint::open(whole.target).value(), many = Checkpoint::open(cut.target).value();
  EXPECT_GT(many.n_files(), 5);
  ASSERT_EQ(one.tensors().size(), many.tensors().size());
  for (const auto& [name, tensor] : one.tensors()) {
    const Tensor* same = many.find(name);
    ASSERT_NE(same, nullptr) << name;
    EXPECT_TRUE(std::equal(tensor.data.begin(), tensor.data.end(), same->data.begin(), same->data.end())) << name;
  }
}

TEST_F(SynthTest, PiecesDoNotChangeATensor) {
  for (const DrawKind kind : {DrawKind::kMatrix, DrawKind::kRouterBias, DrawKind::kFp8Codes, DrawKind::kMxfp4Scales}) {
    const bool wide = kind == DrawKind::kRouterBias;
    const PlannedTensor tensor{{"t", wide ? DType::kF32 : DType::kU8, {wide ? 250 : 1000}}, kind, 64};
    std::vector<std::byte> whole(1000), pieces(1000);
    draw_bytes(tensor, 3, 0, whole);
    for (int64_t from : {640, 0, 128}) {
      const int64_t to = from == 0 ? 128 : (from == 128 ? 640 : 1000);
      draw_bytes(tensor, 3, from, std::span(pieces).subspan(static_cast<size_t>(from), static_cast<size_t>(to - from)));
    }
    EXPECT_EQ(whole, pieces);
  }
}

class SynthDTypeTest : public SynthTest, public testing::WithParamInterface<SynthDType> {};

TEST_P(SynthDTypeTest, LoadsAndComputes) {
  const SynthOptions o = options("model", GetParam());
  ASSERT_TRUE(synthesize(o).ok());
  const auto config = load_glm52_config(o.target);
  ASSERT_TRUE(config.ok()) << config.status().message();
  TinyModel model(*config, o.target, CpuOptions{"auto", 2, Numerics::serving()});
  // FP8 keys of kv_b are kept as f32, which is said; nothing else is unusual.
  const auto& notices = model.weights().inventory.notices;
  ASSERT_EQ(notices.size(), GetParam() == SynthDType::kFp8 ? 1u : 0u) << notices[0];
  if (!notices.empty()) {
    EXPECT_NE(notices[0].find("kv_b_proj are kept beside the file as f32"), std::string::npos);
  }
  ASSERT_TRUE(model.weights().mtp.has_value());
  std::vector<int32_t> prompt;
  for (int32_t i = 0; i < 50; ++i) prompt.push_back((i * 31 + 7) % 97);
  const auto logits = model.run(prompt, 25);
  double squares = 0;
  for (const float logit : logits) {
    ASSERT_TRUE(std::isfinite(logit));
    squares += static_cast<double>(logit) * logit;
  }
  // lm_head maps a hidden state of unit variance to logits of unit variance.
  const double deviation = std::sqrt(squares / static_cast<double>(logits.size()));
  EXPECT_GT(deviation, 0.5);
  EXPECT_LT(deviation, 2.0);
}

INSTANTIATE_TEST_SUITE_P(Synth, SynthDTypeTest,
                         testing::Values(SynthDType::kBF16, SynthDType::kFp8, SynthDType::kMxfp4));

/// Row sums of squares of every format come near 1: a product keeps the variance of its input.
TEST_F(SynthTest, MatricesKeepVariance) {
  for (const SynthDType dtype : {SynthDType::kBF16, SynthDType::kFp8, SynthDType::kMxfp4}) {
    const SynthOptions o = options("variance", dtype);
    ASSERT_TRUE(synthesize(o).ok());
    const Checkpoint file = Checkpoint::open(o.target).value();
    const Matrix w = find_matrix(file, "model.layers.0.mlp.up_proj", 96, 64).value();
    std::vector<float> row(64);
    double squares = 0;
    for (int64_t n = 0; n < w.n; ++n) {
      dequantize_row(w, n, row.data());
      for (const float value : row) squares += static_cast<double>(value) * value;
    }
    EXPECT_GT(squares / 96, 0.5);
    EXPECT_LT(squares / 96, 2.0);
    fs::remove_all(o.target);
  }
}

TEST_F(SynthTest, CopiesTheTokenizer) {
  SynthOptions o = options("model");
  o.tokenizer = base_;
  EXPECT_THAT(synthesize(o).message(), HasSubstr("tokenizer.json"));
  EXPECT_FALSE(fs::exists(o.target));
  std::ofstream(base_ + "/tokenizer.json") << "{}";
  std::ofstream(base_ + "/chat_template.jinja") << "x";
  ASSERT_TRUE(synthesize(o).ok());
  EXPECT_EQ(content("model/tokenizer.json"), "{}");
  EXPECT_EQ(content("model/chat_template.jinja"), "x");
}

TEST_F(SynthTest, NothingIsOverwrittenOrLeftBehind) {
  SynthOptions o = options("model");
  fs::create_directory(o.target);
  std::ofstream(o.target + "/mine") << "kept";
  EXPECT_EQ(synthesize(o).code(), Code::kAlreadyExists);
  EXPECT_EQ(content("model/mine"), "kept");
  o.target = base_ + "/new";
  o.shard_bytes = 0;
  EXPECT_THAT(synthesize(o).message(), HasSubstr("--shard-bytes"));
  o = options("new");
  o.source = base_;
  EXPECT_THAT(synthesize(o).message(), HasSubstr("config.json"));
  EXPECT_FALSE(fs::exists(base_ + "/new"));
  EXPECT_FALSE(fs::exists(base_ + "/new.partial"));
}

TEST_F(SynthTest, ReportsEveryByte) {
  int64_t last = 0, total = 0;
  ASSERT_TRUE(synthesize(options("model"), [&](int64_t done, int64_t all) {
                EXPECT_GT(done, last);
                last = done;
                total = all;
              }).ok());
  EXPECT_EQ(last, total);
  EXPECT_GT(total, 0);
}

/// The generated file has the tensors and bytes of the published FP8 checkpoint.
TEST(SynthPlan, OfGlm52IsThePublishedCheckpoint) {
  const std::string path = std::string(DB_SOURCE_DIR) + "/tests/data/configs/glm-5.2.json";
  const auto config = parse_glm52_config(parse_json(read_text_file(path, 1 << 20).value(), path).value(), path);
  const auto tensors = plan_tensors(*config, SynthDType::kFp8);
  int64_t bytes = 0, planned = 0;
  for (const PlannedTensor& tensor : tensors) bytes += tensor.spec.bytes();
  EXPECT_EQ(tensors.size(), 118629u);
  EXPECT_EQ(bytes, 755617140416);
  const auto shards = plan_shards(tensors, 5'000'000'000);
  for (const auto& shard : shards) {
    int64_t in_shard = 0;
    for (const PlannedTensor& tensor : shard) in_shard += tensor.spec.bytes();
    EXPECT_LE(in_shard, 5'000'000'000);
    planned += static_cast<int64_t>(shard.size());
  }
  EXPECT_EQ(planned, 118629);
  EXPECT_LT(shards.size(), 165u);
}

}  // namespace
}  // namespace drawbridge
