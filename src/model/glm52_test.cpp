// The forward pass against HuggingFace transformers (tests/golden/model), and its independence of how a prompt is cut
// into steps, of page size and order, and of the other requests in the step: bit for bit.
#include "model/glm52.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/random_checkpoint_test.h"
#include "model/tiny_model_test.h"

namespace drawbridge {
namespace {

std::string golden_dir(const std::string& name) {
  return std::string(DB_SOURCE_DIR) + "/tests/golden/model/" + name;
}

/// The model of a golden file: its config, weights drawn as the file's maker drew them.
class GoldenModel : public TinyModel {
 public:
  GoldenModel(const std::string& name, const CpuOptions& cpu, int64_t page_size = 4, int64_t n_requests = 1)
      : TinyModel(load_glm52_config(golden_dir(name)).value(), written(name), cpu, page_size, n_requests) {}

 private:
  static std::string written(const std::string& name) {
    const std::string dir = process_directory("model_" + name);
    const auto config = load_glm52_config(golden_dir(name)).value();
    DB_CHECK(write_random_checkpoint(config, dir, [](const std::string& n) { return n; }).ok());
    return dir;
  }
};

class Golden {
 public:
  explicit Golden(const std::string& name) : file_(Checkpoint::open(golden_dir(name)).value()) {}

  std::vector<int32_t> ints(const std::string& name) const { return read<int32_t>(name); }
  std::vector<float> floats(const std::string& name) const { return read<float>(name); }
  bool has(const std::string& name) const { return file_.find(name) != nullptr; }

 private:
  template <typename T>
  std::vector<T> read(const std::string& name) const {
    const Tensor* tensor = file_.find(name);
    DB_CHECK(tensor != nullptr);
    const auto* data = reinterpret_cast<const T*>(tensor->data.data());
    return std::vector<T>(data, data + tensor->data.size() / sizeof(T));
  }
  Checkpoint file_;
};

double range_of(const std::vector<float>& v) {
  const auto [low, high] = std::minmax_element(v.begin(), v.end());
  return static_cast<double>(*high) - *low;
}

double max_difference(std::span<const float> a, std::span<const float> b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::fabs(static_cast<double>(a[i]) - b[i]));
  return worst;
}

int32_t argmax(const std::vector<float>& v) {
  return static_cast<int32_t>(std::max_element(v.begin(), v.end()) - v.begin());
}

constexpr double kF32Bound = 2e-4;  // of the logit range: f32 against f32, absorbed against expanded attention
constexpr int kPrompts = 6;

CpuOptions on(const std::string& isa, const Numerics& numerics, int64_t n_threads = 2) {
  return CpuOptions{isa, n_threads, numerics};
}

/// A golden model and the kernels that are to reproduce it.
class GoldenTest : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  static const std::string& model_name() { return std::get<0>(GetParam()); }
  static CpuOptions cpu() { return on(std::get<1>(GetParam()), Numerics::parity(DType::kF32)); }
};

TEST_P(GoldenTest, LogitsEqualTransformersHoweverThePromptIsCut) {
  const Golden golden(model_name());
  for (int p = 0; p < kPrompts; ++p) {
    const auto prompt = golden.ints(fmt::format("{}.prompt", p));
    const auto rows = golden.ints(fmt::format("{}.rows", p));
    const auto wanted = golden.floats(fmt::format("{}.logits", p));
    GoldenModel model(model_name(), cpu());
    TinyModel::Rows all;
    model.append(all, prompt, 0);
    all.logit_row.assign(rows.begin(), rows.end());
    const auto found = model.step(all);
    const size_t vocab = static_cast<size_t>(model.config().vocab);
    for (size_t r = 0; r < rows.size(); ++r) {
      const std::vector<float> row(wanted.begin() + static_cast<std::ptrdiff_t>(r * vocab),
                                   wanted.begin() + static_cast<std::ptrdiff_t>((r + 1) * vocab));
      EXPECT_LE(max_difference(found[r], row), kF32Bound * range_of(row)) << "prompt " << p << " row " << rows[r];
    }
    for (const size_t chunk : {size_t{1}, size_t{5}, size_t{16}}) {
      EXPECT_EQ(GoldenModel(model_name(), cpu()).run(prompt, chunk), found.back())
          << "prompt " << p << " in chunks of " << chunk;
    }
  }
}

TEST_P(GoldenTest, GreedyTokensEqualTransformersOver64Steps) {
  const Golden golden(model_name());
  const auto wanted = golden.ints("greedy");
  GoldenModel model(model_name(), cpu());
  auto tokens = golden.ints(fmt::format("{}.prompt", kPrompts - 1));
  std::vector<float> logits = model.run(tokens, tokens.size());
  std::vector<int32_t> found;
  while (found.size() < wanted.size()) {
    found.push_back(argmax(logits));
    TinyModel::Rows rows;
    model.append(rows, std::span(&found.back(), 1), static_cast<int64_t>(tokens.size()));
    tokens.push_back(found.back());
    logits = model.step(rows).back();
  }
  EXPECT_EQ(found, wanted);
}

/// Only the last full layer's choice is left in the buffer; the layers before it show in the logits.
TEST_P(GoldenTest, IndexerChoosesTheSamePositions) {
  const Golden golden(model_name());
  GoldenModel model(model_name(), cpu());
  const auto prompt = golden.ints(fmt::format("{}.prompt", kPrompts - 1));
  model.run(prompt, prompt.size());
  const int64_t layer = model.config().index_source(model.config().n_layers - 1);
  const auto wanted = golden.ints(fmt::format("{}.selected.{}", kPrompts - 1, layer));
  const View selected = model.activations().selected;
  const auto* last = selected.as<int32_t>() + (selected.dim(0) - 1) * selected.stride[0];
  std::vector<int32_t> common;
  std::set_intersection(wanted.begin(), wanted.end(), last, last + selected.cols(), std::back_inserter(common));
  EXPECT_EQ(common.size(), wanted.size());
}

INSTANTIATE_TEST_SUITE_P(Model, GoldenTest,
                         testing::Combine(testing::Values("dense", "moe", "shared_indexer", "groups", "odd_heads",
                                                          "mtp"),
                                          testing::ValuesIn(usable_cpu_isas())),
                         [](const auto& param) { return std::get<0>(param.param) + "_" + std::get<1>(param.param); });

class IsaTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Model, IsaTest, testing::ValuesIn(usable_cpu_isas()),
                         [](const auto& param) { return param.param; });

/// transformers in bf16 differs from itself in f32 by rounding alone; two bf16 computations that round at different
/// places (absorbed and expanded attention) may therefore differ by twice that.
TEST_P(IsaTest, Bf16ParityStaysWithinTheReferencesOwnRounding) {
  const Golden golden("bf16");
  double reference_error = 0, our_error = 0;
  for (int p = 0; p < kPrompts; ++p) {
    const auto prompt = golden.ints(fmt::format("{}.prompt", p));
    const auto rounded = golden.floats(fmt::format("{}.logits_bf16", p));
    const auto exact = golden.floats(fmt::format("{}.logits", p));
    reference_error = std::max(reference_error, max_difference(rounded, exact));
    GoldenModel model("bf16", on(GetParam(), Numerics::parity(DType::kBF16)));
    const auto found = model.run(prompt, prompt.size());
    const auto vocab = static_cast<std::ptrdiff_t>(found.size());
    our_error = std::max(our_error, max_difference(found, std::span(rounded).last(static_cast<size_t>(vocab))));
  }
  EXPECT_GT(reference_error, 0);
  EXPECT_LE(our_error, 2 * reference_error);
}

/// On the longest prompt that attends to everything: beyond it a rounding may also flip a near tie of the indexer.
TEST_P(IsaTest, ServingNumericsStayWithinTheReferencesBf16Rounding) {
  const Golden golden("bf16");
  const auto prompt = golden.ints("3.prompt");
  const auto exact = golden.floats("3.logits");
  const auto rounded = golden.floats("3.logits_bf16");
  GoldenModel model("bf16", on(GetParam(), Numerics::serving()));
  const auto found = model.run(prompt, prompt.size());
  EXPECT_LE(max_difference(found, std::span(exact).last(found.size())), 2 * max_difference(rounded, exact));
}

TEST_P(IsaTest, SameBitsWhateverThePageSizeAndTheThreads) {
  const auto prompt = Golden("shared_indexer").ints("5.prompt");
  for (const Numerics& numerics : {Numerics::serving(), Numerics::parity(DType::kBF16)}) {
    const auto one = GoldenModel("shared_indexer", on(GetParam(), numerics, 1), 1).run(prompt, 7);
    EXPECT_EQ(GoldenModel("shared_indexer", on(GetParam(), numerics, 2), 16).run(prompt, 80), one);
    EXPECT_EQ(GoldenModel("shared_indexer", on(GetParam(), numerics, 3), 64).run(prompt, 80), one);
  }
}

TEST_P(IsaTest, SameBitsWhateverElseIsInTheStep) {
  const Golden golden("shared_indexer");
  const CpuOptions cpu = on(GetParam(), Numerics::serving());
  const auto a = golden.ints("5.prompt"), b = golden.ints("1.prompt"), c = golden.ints("4.prompt");
  GoldenModel model("shared_indexer", cpu, 4, 3);
  TinyModel::Rows mixed;
  model.append(mixed, c, 0, 2);
  model.append(mixed, a, 0, 0);
  model.append(mixed, b, 0, 1);
  const auto together = model.step(mixed);
  EXPECT_EQ(together[0], GoldenModel("shared_indexer", cpu).run(c, c.size()));
  EXPECT_EQ(together[1], GoldenModel("shared_indexer", cpu).run(a, a.size()));
  EXPECT_EQ(together[2], GoldenModel("shared_indexer", cpu).run(b, b.size()));
}

TEST_P(IsaTest, MtpEqualsThePlainReferenceOverThreeDraftSteps) {
  const Golden golden("mtp");
  const auto wanted = golden.floats("mtp.logits");
  const auto prompt = golden.ints("5.prompt");
  GoldenModel model("mtp", on(GetParam(), Numerics::parity(DType::kF32)));
  model.run(prompt, prompt.size());
  std::vector<float> hidden;
  for (const auto& row : TinyModel::copy_rows(model.activations().h))
    hidden.insert(hidden.end(), row.begin(), row.end());
  std::vector<int32_t> shifted(prompt.begin() + 1, prompt.end());
  shifted.push_back(golden.ints("greedy")[0]);
  TinyModel::Rows rows;
  model.append(rows, shifted, 0);
  std::vector<float> draft = model.mtp_step(rows, hidden, false).back();
  for (size_t step = 0;; ++step) {
    const std::span row = std::span(wanted).subspan(step * draft.size(), draft.size());
    EXPECT_LE(max_difference(draft, row), kF32Bound * range_of(draft)) << "draft step " << step;
    if (step == 2) break;
    // The last verified row's selection and post-norm hidden carry over to the next one-row step.
    const View selected = model.activations().selected;
    const int64_t last = selected.dim(0) - 1;
    std::copy_n(selected.as<int32_t>() + last * selected.stride[0], selected.cols(), selected.as<int32_t>());
    const auto h = TinyModel::copy_rows(model.activations().h).back();
    const int32_t token = argmax(draft);
    TinyModel::Rows next;
    model.append(next, std::span(&token, 1), static_cast<int64_t>(prompt.size() + step));
    draft = model.mtp_step(next, h, true).back();
  }
}

TEST(Glm52Weights, MtpLayerUnderItsOtherName) {
  const auto config = load_glm52_config(golden_dir("mtp")).value();
  const std::string dir = process_directory("decoder_names");
  const std::string prefix = fmt::format("model.layers.{}.", config.n_layers);
  ASSERT_TRUE(write_random_checkpoint(config, dir, [&](const std::string& name) {
                if (!name.starts_with(prefix)) return name;
                const std::string rest = name.substr(prefix.size());
                const bool extra = rest.starts_with("e") || rest.starts_with("h") || rest.starts_with("shared_head");
                return (extra ? "model." : "model.decoder.") + rest;
              }).ok());
  const auto weights = bind_glm52_weights(config, Checkpoint::open(dir).value());
  ASSERT_TRUE(weights.ok()) << weights.status().message();
  EXPECT_TRUE(weights->mtp.has_value());
  EXPECT_TRUE(weights->inventory.notices.empty());
}

TEST(Glm52Weights, AMissingTensorIsNamedAndAMissingMtpLayerIsSaid) {
  const auto config = load_glm52_config(golden_dir("mtp")).value();
  const std::string dir = process_directory("missing");
  ASSERT_TRUE(write_random_checkpoint(config, dir, [&](const std::string& name) {
                return name == "model.layers.1.mlp.experts.3.up_proj.weight" ? "elsewhere" : name;
              }).ok());
  EXPECT_NE(bind_glm52_weights(config, Checkpoint::open(dir).value()).status().message().find("experts.3.up_proj"),
            std::string::npos);
  ASSERT_TRUE(write_random_checkpoint(config, dir, [&](const std::string& name) {
                return name.find("eh_proj") != std::string::npos ? "elsewhere" : name;
              }).ok());
  const auto weights = bind_glm52_weights(config, Checkpoint::open(dir).value());
  ASSERT_TRUE(weights.ok());
  EXPECT_FALSE(weights->mtp.has_value());
  EXPECT_NE(weights->inventory.notices.at(0).find("eh_proj.weight: absent"), std::string::npos);
}

}  // namespace
}  // namespace drawbridge
