// The bundled model through the whole engine, against HuggingFace's greedy tokens (models/glm52-nano/golden.json, made
// by training/golden.py): tokenizer, prefill in chunks, paged cache, sparse selection beyond index_topk, decode.
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/mapped_file.h"
#include "engine/generate.h"

namespace drawbridge {
namespace {

constexpr char kModel[] = DB_SOURCE_DIR "/models/glm52-nano";
// Below this lead of the best logit over the next, f32 rounding may choose either.
constexpr double kTie = 2e-3;

/// How many golden tokens come before the first near tie.
size_t n_certain(const Json& margins) {
  size_t n = 0;
  while (n < margins.size() && margins[n].get<double>() > kTie) ++n;
  return n;
}

TEST(BundledModel, GreedyTokensEqualTransformers) {
  EngineOptions options;
  options.model = kModel;
  options.numerics = "parity-f32";
  options.max_step_tokens = 192;
  const auto engine = make_engine(options);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  const auto text = read_text_file(std::string(kModel) + "/golden.json", 16 << 20);
  ASSERT_TRUE(text.ok());
  const auto golden = parse_json(*text, "golden.json");
  ASSERT_TRUE(golden.ok());
  size_t n_compared = 0;
  for (const Json& entry : *golden) {
    GenerateRequest request;
    const auto prompt = (*engine)->tokenizer().encode(entry["prompt"].get<std::string>());
    ASSERT_TRUE(prompt.ok());
    request.prompt = *prompt;
    EXPECT_EQ(request.prompt, entry["prompt_ids"].get<std::vector<int32_t>>());
    auto wanted = entry["tokens"].get<std::vector<int32_t>>();
    wanted.resize(n_certain(entry["margins"]));
    request.max_tokens = static_cast<int64_t>(entry["tokens"].size());
    request.ignore_eos = true;
    request.sampling.temperature = 0;
    auto found = generate(**engine, std::move(request));
    ASSERT_TRUE(found.ok()) << found.status().message();
    found->tokens.resize(wanted.size());
    EXPECT_EQ(found->tokens, wanted) << entry["prompt"];
    n_compared += wanted.size();
  }
  EXPECT_GE(n_compared, 100u);
}

}  // namespace
}  // namespace drawbridge
