// Calibration against values worked out another way, and a calibrated FP8 cache against the bf16 one on the bundled
// model.
#include "calibrate/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>

#include "engine/generate.h"
#include "engine/tiny_engine_test.h"
#include "model/kv_scales.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kNano[] = DB_SOURCE_DIR "/models/glm52-nano";

std::string write_text(const std::string& name, const std::string& text) {
  const std::string path = process_directory(name) + ".txt";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

CalibrateOptions options_of(const std::string& model, const std::string& text, const std::string& name) {
  CalibrateOptions options;
  options.engine.model = model;
  options.engine.max_context = 256;
  options.engine.max_step_tokens = 64;
  options.text = text;
  options.target = process_directory(name) + ".safetensors";
  fs::remove(options.target);
  return options;
}

Result<CalibrationStats> run(const CalibrateOptions& options) {
  return calibrate(options, [](int64_t, int64_t) {});
}

TEST(Calibrate, SeesEveryMatrixThatATokenMeets) {
  const auto options = options_of(tiny_model(), write_text("every", "some words, 123\n\nand others. ABC"), "every");
  int64_t n_shown = 0, n_all = 0;
  const auto stats = calibrate(options, [&](int64_t done, int64_t total) {
    n_shown = done;
    n_all = total;
  });
  ASSERT_TRUE(stats.ok()) << stats.status().message();
  EXPECT_EQ(n_shown, stats->n_tokens);
  EXPECT_EQ(n_all, stats->n_tokens);
  const auto config = load_glm52_config(tiny_model()).value();
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    if (tensor.shape.size() != 2 || tensor.layer >= config.n_layers || tensor.name.find("embed") != std::string::npos) {
      continue;
    }
    const std::string module = tensor.name.substr(0, tensor.name.size() - std::string_view(".weight").size());
    ASSERT_EQ(stats->input_mean_square.count(module), 1u) << module;
    EXPECT_EQ(static_cast<int64_t>(stats->input_mean_square.at(module).size()), tensor.shape[1]) << module;
    if (tensor.part == ModelPart::kRoutedExpert) continue;
    EXPECT_EQ(stats->n_rows.at(module), stats->n_tokens) << module;
  }
  EXPECT_EQ(static_cast<int64_t>(stats->latent_amax.size()), config.n_layers);
  const auto read = read_calibration_stats(options.target);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->input_mean_square, stats->input_mean_square);
}

/// Latents leave an RMS norm with weight w, so that the squares of column i / w_i^2 sum to the number of columns.
TEST(Calibrate, MeanSquaresObeyTheNormBeforeThem) {
  const auto stats = run(options_of(tiny_model(), write_text("norm", "A text of some words."), "norm"));
  ASSERT_TRUE(stats.ok()) << stats.status().message();
  const auto checkpoint = Checkpoint::open(tiny_model()).value();
  const Tensor& w = *checkpoint.find("model.layers.0.self_attn.kv_a_layernorm.weight");
  ASSERT_EQ(w.dtype, DType::kF32);
  const auto* weight = reinterpret_cast<const float*>(w.data.data());
  const auto& mean = stats->input_mean_square.at("model.layers.0.self_attn.kv_b_proj");
  double sum = 0;
  for (size_t i = 0; i < mean.size(); ++i) sum += mean[i] / (static_cast<double>(weight[i]) * weight[i]);
  EXPECT_NEAR(sum / static_cast<double>(mean.size()), 1, 1e-3);  // the norm's epsilon
}

TEST(Calibrate, ExpertsSeeTheRowsTheyWereChosenFor) {
  const auto config = load_glm52_config(tiny_model()).value();
  const auto stats = run(options_of(tiny_model(), write_text("few", "ab"), "few"));
  ASSERT_TRUE(stats.ok()) << stats.status().message();
  int64_t n_rows = 0, n_unseen = 0;
  int64_t layer = 0;
  while (!config.is_sparse(layer)) ++layer;
  for (int64_t e = 0; e < config.n_experts; ++e) {
    const std::string prefix = fmt::format("model.layers.{}.mlp.experts.{}.", layer, e);
    const std::string down = prefix + "down_proj";
    n_rows += stats->n_rows.at(down);
    EXPECT_EQ(stats->input_mean_square.at(prefix + "gate_proj"), stats->input_mean_square.at(prefix + "up_proj"));
    if (!stats->is_fallback(down)) continue;
    ++n_unseen;
    EXPECT_GT(stats->input_mean_square.at(down).at(0), 0);
  }
  EXPECT_EQ(n_rows, stats->n_tokens * config.experts_per_token);
  ASSERT_GT(n_unseen, 0) << "two tokens cannot reach all experts";
  const auto notices = calibration_notices(*stats);
  ASSERT_FALSE(notices.empty());
  EXPECT_THAT(notices[0], HasSubstr(fmt::format("model.layers.{}: no token reached {} expert", layer, n_unseen)));
}

TEST(Calibrate, RefusesBadInputBeforeItLoadsTheModel) {
  const auto fault = [](const CalibrateOptions& options) { return run(options).status(); };
  auto options = options_of(tiny_model(), std::string(kNano) + "/model.safetensors", "bad");
  EXPECT_THAT(fault(options).message(), HasSubstr("model.safetensors: byte "));
  EXPECT_FALSE(fs::exists(options.target));
  options.text = write_text("bad", "good text");
  std::ofstream(options.target) << "mine";
  EXPECT_EQ(fault(options).code(), Code::kAlreadyExists);
  fs::remove(options.target);
  options.max_tokens = -1;
  EXPECT_THAT(fault(options).message(), HasSubstr("--tokens"));
}

/// A directory of links to the bundled model's files.
std::string linked_nano(const std::string& name) {
  const std::string made = process_directory(name);
  fs::remove_all(made);
  fs::create_directories(made);
  for (const auto& entry : fs::directory_iterator(kNano)) {
    fs::create_symlink(entry.path(), fs::path(made) / entry.path().filename());
  }
  return made;
}

struct Greedy {
  std::vector<std::vector<int32_t>> tokens;
  std::vector<std::vector<float>> logprobs;
  int64_t n_clipped = 0;
};

Greedy greedy(const std::string& model, const std::string& kv_cache_dtype) {
  EngineOptions options;
  options.model = model;
  options.kv_cache_dtype = kv_cache_dtype;
  options.max_context = 512;
  const auto engine = start_engine(options);
  Greedy result;
  for (const char* prompt : {"[gMASK]<sop><|user|>What is 12 + 30?<|assistant|></think>",
                             "[gMASK]<sop><|user|>Who are you?<|assistant|>", "[gMASK]<sop>The capital of"}) {
    GenerateRequest request;
    request.prompt = engine->tokenizer().encode(prompt).value();
    request.max_tokens = 16;
    request.sampling.temperature = 0;
    request.sampling.n_logprobs = 0;
    std::vector<float>& logprobs = result.logprobs.emplace_back();
    std::promise<void> ended;
    auto& tokens = result.tokens.emplace_back();
    DB_CHECK(engine
                 ->submit(request,
                          [&](const Output& output) {
                            if (output.token) {
                              tokens.push_back(*output.token);
                              logprobs.push_back(output.chosen->logprob);
                            }
                            if (output.finish) ended.set_value();
                          })
                 .ok());
    ended.get_future().wait();
  }
  for (const KvClipping& layer : engine->stats().kv_layers) result.n_clipped += layer.n_clipped;
  return result;
}

const char kText[] =
    "<|user|>What is 5 + 7?<|assistant|></think>5 + 7 = 12.\n\n"
    "<|user|>Who are you?<|assistant|>I am a tiny model.\n\n"
    "The capital of France is Paris, and the river through it is the Seine.\n\n"
    "Once upon a time there was a bridge that let ships through, one at a time.";

TEST(Calibrate, ACalibratedFp8CacheTellsTheSameText) {
  const std::string model = linked_nano("nano_scaled");
  auto options = options_of(model, write_text("nano", kText), "nano");
  options.store_kv_scales = true;
  const auto stats = run(options);
  ASSERT_TRUE(stats.ok()) << stats.status().message();
  fs::remove(options.target);
  EXPECT_EQ(run(options).status().code(), Code::kAlreadyExists) << "scales are not overwritten";
  const Greedy wanted = greedy(kNano, "bf16");
  const Greedy plain = greedy(model, "fp8_e4m3");
  const Greedy groups = greedy(model, "fp8_ds_mla");
  EXPECT_EQ(plain.tokens, wanted.tokens);
  EXPECT_EQ(groups.tokens, wanted.tokens);
  EXPECT_EQ(groups.n_clipped, 0);
  EXPECT_NE(plain.logprobs, wanted.logprobs) << "an FP8 cache that changes nothing is none";

  // An outlier that calibration did not see: one layer's scale is far too small for what comes.
  auto planted = kv_scale_tensors(load_glm52_config(kNano).value(), *stats).value();
  planted[1].value /= 64;
  const std::string outlier = linked_nano("nano_planted");
  ASSERT_TRUE(write_kv_scales(outlier, planted).ok());
  EXPECT_GT(greedy(outlier, "fp8_e4m3").n_clipped, plain.n_clipped + 100);
}

}  // namespace
}  // namespace drawbridge
