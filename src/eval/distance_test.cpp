#include "eval/distance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/tiny_engine_test.h"
#include "eval/distribution_meter.h"
#include "eval/model_pass.h"
#include "eval/windows.h"
#include "model/tiny_model_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<float> logs(std::vector<double> shares) {
  std::vector<float> logits;
  for (const double share : shares) logits.push_back(static_cast<float>(std::log(share) + 3));  // any constant
  return logits;
}

TEST(DistributionMeter, TwoPredictionsByHand) {
  DistributionMeter meter;
  const auto even = logs({0.5, 0.25, 0.25}), other = logs({0.25, 0.5, 0.25});
  ASSERT_TRUE(meter.add_prediction(0, 0, even, other, 0).ok());
  ASSERT_TRUE(meter.add_prediction(1, 200, even, even, 1).ok());
  DistributionReport report;
  meter.fill(report);
  const double kl = 0.5 * std::log(2) - 0.25 * std::log(2);
  EXPECT_NEAR(report.kl.mean, kl / 2, 1e-6);
  EXPECT_NEAR(report.kl.max, kl, 1e-6);
  EXPECT_NEAR(report.kl.median, kl / 2, 1e-6);
  EXPECT_NEAR(report.reference_perplexity, std::exp((std::log(2) + std::log(4)) / 2), 1e-6);
  EXPECT_NEAR(report.candidate_perplexity, 4, 1e-6);
  EXPECT_EQ(report.top1, 0.5);
  ASSERT_EQ(report.buckets.size(), 2u);
  EXPECT_EQ(report.buckets[1].from, 128);
  EXPECT_EQ(report.buckets[1].to, 256);
  EXPECT_EQ(report.buckets[1].top1, 1);
  int64_t n = 0;
  for (const int64_t count : report.histogram.count) n += count;
  EXPECT_EQ(n, 2);
  EXPECT_EQ(report.histogram.count.front(), 1);  // the divergence of 0
}

TEST(DistributionMeter, LogitsMustBeFinite) {
  DistributionMeter meter;
  const std::vector<float> good = {0, 1}, bad = {0, std::nanf("")};
  EXPECT_THAT(meter.add_prediction(3, 5, good, bad, 0).message(), HasSubstr("window 3, position 5"));
  EXPECT_THAT(meter.add_prediction(3, 5, good, bad, 0).message(), HasSubstr("the candidate"));
  EXPECT_THAT(meter.add_prediction(3, 5, bad, good, 0).message(), HasSubstr("the reference"));
}

TEST(SetMeter, OrderAndPaddingDoNotCount) {
  SetMeter meter;
  meter.add(std::vector<int32_t>{1, 2, 3, -1}, std::vector<int32_t>{3, 1, 2, -1});
  meter.add(std::vector<int32_t>{1, 2, 3, 4}, std::vector<int32_t>{1, 2, 5, 6});
  const LayerAgreement found = meter.agreement(7);
  EXPECT_EQ(found.layer, 7);
  EXPECT_EQ(found.n, 2);
  EXPECT_EQ(found.equal, 0.5);
  EXPECT_NEAR(found.overlap, 0.75, 1e-12);
  EXPECT_NEAR(found.jaccard, (1 + 1.0 / 3) / 2, 1e-12);
}

TEST(Windows, DocumentsEndAtTheMarkerOrAtBlankLines) {
  EXPECT_THAT(split_documents("a\nb\n\n \t\nc\n\n", false), testing::ElementsAre("a\nb\n", "c\n"));
  EXPECT_THAT(split_documents("<|document|>a\n\nb<|document|>c", false), testing::ElementsAre("a\n\nb", "c"));
  EXPECT_THAT(split_documents("a\n\nb", true), testing::ElementsAre("a\n\nb"));
}

TEST(Windows, CoverEachDocumentFromItsStart) {
  const Tokenizer bytes = Tokenizer::parse(byte_tokenizer_json(), "test").value();
  const auto windows =
      cut_windows(bytes, "abcdef\n\nx\n\nyz", {.context = 3, .max_tokens = 0, .join = false, .prefix = true});
  ASSERT_EQ(windows->size(), 4u);  // abc, def, x and its line break, yz; a line break alone predicts nothing
  EXPECT_THAT((*windows)[1], testing::ElementsAre('d', 'e', 'f'));
  const auto few =
      cut_windows(bytes, "abcdef\n\nx\n\nyz", {.context = 3, .max_tokens = 5, .join = false, .prefix = true});
  EXPECT_THAT((*few)[1], testing::ElementsAre('d', 'e'));
  EXPECT_THAT(cut_windows(bytes, "x", {}).status().message(), HasSubstr("found none"));
}

/// A copy of the tiny model's directory with other weights: those of `config`'s tensors drawn under other names.
std::string other_model(const std::string& name, const std::string& layer) {
  const std::string made = process_directory(name);
  const std::string source = tiny_model() + "/config.json";
  const Glm52Config config = load_glm52_config(tiny_model()).value();
  std::filesystem::create_directories(made);
  std::vector<TensorSpec> specs;
  const auto tensors = expected_tensors(config);
  for (const ExpectedTensor& tensor : tensors) {
    const bool is_bias = tensor.name.ends_with("e_score_correction_bias");
    specs.push_back({tensor.name, is_bias ? DType::kF32 : config.dtype, tensor.shape});
  }
  auto writer = SafetensorsWriter::create(made + "/model.safetensors", specs).value();
  for (size_t i = 0; i < tensors.size(); ++i) {
    std::vector<float> values = draw_weights(tensors[i].name, tensors[i].shape);
    if (tensors[i].name.find(layer) != std::string::npos) {
      const std::vector<float> noise = draw_weights(tensors[i].name + ".noise", tensors[i].shape);
      for (size_t k = 0; k < values.size(); ++k) values[k] += 0.1f * noise[k];
    }
    DB_CHECK(writer.append(encode_values(values, specs[i].dtype)).ok());
  }
  DB_CHECK(writer.finish().ok());
  std::filesystem::copy_file(source, made + "/config.json");
  std::filesystem::copy_file(tiny_model() + "/tokenizer.json", made + "/tokenizer.json");
  return made;
}

std::string text_file() {
  static const std::string path = [] {
    const std::string made = process_directory("distance_text") + ".txt";
    std::ofstream out(made);
    for (int i = 0; i < 40; ++i) out << "The ferry " << i * i << " waits.\n" << (i % 10 == 9 ? "\n" : "");
    return made;
  }();
  return path;
}

DistanceOptions options_for(const std::string& candidate) {
  DistanceOptions options;
  options.reference.model = tiny_model();
  options.candidate.model = candidate;
  options.text = text_file();
  options.context = 160;
  options.n_canaries = 1;
  options.chunk_tokens = 32;
  return options;
}

DistributionReport measure(const DistanceOptions& options) {
  auto report = measure_distance(options, [](int64_t, int64_t) {});
  EXPECT_TRUE(report.ok()) << report.status().message();
  return report.ok() ? *report : DistributionReport();
}

TEST(Distance, AModelEqualsItself) {
  const DistributionReport report = measure(options_for(tiny_model()));
  EXPECT_GT(report.n_tokens, 500);
  EXPECT_EQ(report.kl.max, 0);
  EXPECT_EQ(report.top1, 1);
  EXPECT_EQ(report.reference_perplexity, report.candidate_perplexity);
  EXPECT_EQ(total_agreement(report.experts).equal, 1);
  EXPECT_EQ(total_agreement(report.indices).equal, 1);
  const Glm52Config config = load_glm52_config(tiny_model()).value();
  EXPECT_EQ(report.experts.size(), 5u);  // of six layers the first is dense
  EXPECT_EQ(report.indices.size(), 3u);  // full, full, shared, shared, full, shared
  EXPECT_EQ(report.experts[0].n, report.n_tokens + report.n_windows);
  EXPECT_EQ(report.indices[0].n, report.experts[0].n - report.n_windows * config.index_topk);
}

TEST(Distance, DamageShowsBehindTheDamagedLayer) {
  const DistributionReport report = measure(options_for(other_model("damaged", "layers.3.mlp.experts")));
  EXPECT_GT(report.kl.mean, 1e-6);
  EXPECT_NE(report.candidate_perplexity, report.reference_perplexity);
  ASSERT_TRUE(report.perplexity_ratio);
  const double ratio = report.candidate_perplexity / report.reference_perplexity;
  EXPECT_LT(report.perplexity_ratio->low, ratio);
  EXPECT_GT(report.perplexity_ratio->high, ratio);
  for (const LayerAgreement& layer : report.experts) {
    if (layer.layer <= 3) {
      EXPECT_EQ(layer.equal, 1) << layer.layer;
    } else {
      EXPECT_LT(layer.equal, 1) << layer.layer;
    }
  }
  EXPECT_EQ(report.indices[1].equal, 1);  // layer 1
  EXPECT_LT(report.indices[2].equal, 1);  // layer 4
}

TEST(Distance, ChunksDoNotMatter) {
  DistanceOptions options = options_for(other_model("chunked", "layers.3.mlp.experts"));
  const DistributionReport one = measure(options);
  options.chunk_tokens = 7;
  const DistributionReport other = measure(options);
  EXPECT_EQ(one.kl.mean, other.kl.mean);
  EXPECT_EQ(one.experts[4].overlap, other.experts[4].overlap);
  EXPECT_EQ(one.canaries.back().candidate_second, other.canaries.back().candidate_second);
}

TEST(Distance, ACacheOfFp8IsAnotherModel) {
  DistanceOptions options = options_for(tiny_model());
  options.candidate.kv_cache_dtype = "fp8_e4m3";
  options.candidate.kv_scale = 1.0f;
  const DistributionReport report = measure(options);
  EXPECT_GT(report.kl.mean, 0);
  EXPECT_THAT(report.candidate_setting, HasSubstr("cache fp8_e4m3"));
  EXPECT_THAT(report.reference_setting, Not(HasSubstr("fp8")));
}

TEST(Distance, LogitsAreThoseOfPlainSteps) {
  const Glm52Config config = load_glm52_config(tiny_model()).value();
  EngineOptions engine;
  engine.model = tiny_model();
  engine.max_context = 64;
  engine.max_step_tokens = 16;
  engine.isa = "scalar";
  auto pass = ModelPass::load(engine).value();
  TinyModel plain(config, tiny_model(), {.isa = "scalar", .n_threads = 1, .numerics = Numerics::serving()});
  const std::vector<int32_t> tokens = {5, 99, 17, 3, 42, 8, 200, 11};
  const View logits = pass->read(tokens).value();
  for (size_t n = 1; n <= tokens.size(); ++n) {
    const std::vector<float> wanted = plain.run(std::span(tokens).first(n), n);
    const float* found = logits.row(static_cast<int64_t>(n) - 1);
    EXPECT_EQ(std::vector<float>(found, found + logits.cols()), wanted) << n;
  }
}

/// The tiny model with another value in its config.json and other tokenizer.
std::string changed_model(const std::string& name, const char* key, const Json& value, const std::string& tokenizer) {
  const std::string made = process_directory(name);
  std::filesystem::copy(tiny_model(), made);
  Json config = parse_json(read_text_file(made + "/config.json", 1 << 20).value(), made).value();
  config[key] = value;
  std::ofstream(made + "/config.json") << dump_json(config);
  std::ofstream(made + "/tokenizer.json") << tokenizer;
  return made;
}

TEST(Distance, ShortContextsHaveNoCanaries) {
  DistanceOptions options = options_for(tiny_model());
  options.context = 96;
  EXPECT_TRUE(measure(options).canaries.empty());
  options.context = 0;
  const DistributionReport report = measure(options);
  EXPECT_EQ(report.context, 4 * report.index_topk);
  EXPECT_GT(total_agreement(report.indices).n, 0);
}

TEST(Distance, WindowsFitBothModels) {
  const std::string small = changed_model("small", "max_position_embeddings", 100, byte_tokenizer_json());
  const Status refused = measure_distance(options_for(small), [](int64_t, int64_t) {}).status();
  EXPECT_THAT(refused.message(), HasSubstr("--context: wanted at most the candidate's 100 tokens, found 160"));
  EngineOptions engine;
  engine.model = tiny_model();
  engine.max_context = 32;
  engine.max_step_tokens = 64;
  auto pass = ModelPass::load(engine).value();
  EXPECT_DEATH((void)pass->read(std::vector<int32_t>(33, 1)), "internal error");
}

TEST(Distance, ThePrefixIsReadAndNotScored) {
  Json tokenizer = parse_json(byte_tokenizer_json(), "test").value();
  for (const auto& [text, id] : {std::pair("[gMASK]", 254), std::pair("<sop>", 255)}) {  // no bytes of UTF-8
    for (auto entry = tokenizer["model"]["vocab"].begin(); entry != tokenizer["model"]["vocab"].end(); ++entry) {
      if (entry.value() == id) {
        tokenizer["model"]["vocab"].erase(entry);
        break;
      }
    }
    tokenizer["added_tokens"].push_back({{"id", id},
                                         {"content", text},
                                         {"single_word", false},
                                         {"lstrip", false},
                                         {"rstrip", false},
                                         {"normalized", false},
                                         {"special", true}});
  }
  DistanceOptions options = options_for(changed_model("prefix", "eos_token_id", 0, dump_json(tokenizer)));
  options.reference = options.candidate;
  options.context = 129;  // as long as two copies without a prefix
  const DistributionReport with = measure(options);
  options.prefix = false;
  const DistributionReport without = measure(options);
  EXPECT_EQ(with.n_tokens, without.n_tokens + without.n_windows) << "the first token of each window is predicted too";
  EXPECT_TRUE(with.canaries.empty());
  EXPECT_FALSE(without.canaries.empty());
}

TEST(Distance, RefusesModelsOfTwoShapes) {
  const std::string other = process_directory("other_shape");
  std::filesystem::copy(tiny_model(), other);
  Json config = parse_json(read_text_file(other + "/config.json", 1 << 20).value(), other).value();
  config["index_topk"] = 8;
  std::ofstream(other + "/config.json") << dump_json(config);
  const Status shape = measure_distance(options_for(other), [](int64_t, int64_t) {}).status();
  EXPECT_THAT(shape.message(), HasSubstr("index_topk: the reference has 16, the candidate 8"));
  DistanceOptions options = options_for(tiny_model());
  options.context = 1 << 20;
  EXPECT_THAT(measure_distance(options, [](int64_t, int64_t) {}).status().message(), HasSubstr("--context"));
}

}  // namespace
}  // namespace drawbridge
