// The prefix cache in the whole engine: what a request says is the same, bit for bit, whether its prompt was computed
// or found, in whole pages or up to the middle of one.
#include <gtest/gtest.h>

#include <future>

#include "backend/backend.h"
#include "engine/tiny_engine_test.h"

namespace drawbridge {
namespace {

using Tokens = std::vector<int32_t>;

/// All that a request said, to be compared bit for bit.
struct Said {
  Tokens tokens;
  std::vector<float> logprobs;
  int64_t n_cached = 0;
};

Said ask(Engine& engine, Tokens prompt, const std::string& domain = "") {
  GenerateRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = 12;
  request.sampling.seed = 5;
  request.sampling.n_logprobs = 0;
  request.ignore_eos = true;
  request.cache_domain = domain;
  Said said;
  std::promise<void> ended;
  const auto sink = [&](const Output& output) {
    if (output.token) {
      said.tokens.push_back(*output.token);
      said.logprobs.push_back(output.chosen->logprob);
    }
    if (!output.finish) return;
    said.n_cached = output.finish->usage.n_cached;
    ended.set_value();
  };
  DB_CHECK(engine.submit(std::move(request), sink).ok());
  ended.get_future().wait();
  return said;
}

Tokens prompt(int64_t n, int32_t kind) {
  Tokens tokens;
  for (int64_t i = 0; i < n; ++i) tokens.push_back(static_cast<int32_t>(1 + (i * 31 + kind * 7) % 200));
  return tokens;
}

/// The first n of `head`, then 9 tokens that it does not go on with.
Tokens branch(const Tokens& head, size_t n) {
  Tokens tokens(head.begin(), head.begin() + static_cast<int64_t>(n));
  for (int32_t i = 0; i < 9; ++i) tokens.push_back(201 + i);
  return tokens;
}

/// Conversations that branch within a page, at its end and behind an answer; `off` has no prefix cache.
void expect_same_bits(const EngineOptions& options) {
  EngineOptions without = options;
  without.prefix_cache = false;
  const auto on = start_engine(options), off = start_engine(without);
  const Tokens first = prompt(75, 1);
  const Said answer = ask(*on, first);
  EXPECT_EQ(answer.n_cached, 0);
  Tokens history = first;
  history.insert(history.end(), answer.tokens.begin(), answer.tokens.end());
  // Of the answer all but its last token was computed.
  const std::vector<std::pair<Tokens, int64_t>> turns = {
      {first, 74}, {branch(first, 37), 37}, {branch(first, 64), 64}, {branch(history, history.size()), 86}};
  for (const auto& [tokens, n_cached] : turns) {
    const Said found = ask(*on, tokens), computed = ask(*off, tokens);
    EXPECT_EQ(found.n_cached, n_cached);
    EXPECT_EQ(computed.n_cached, 0);
    EXPECT_EQ(found.tokens, computed.tokens);
    EXPECT_EQ(found.logprobs, computed.logprobs);
  }
  EXPECT_EQ(on->stats().n_cached_tokens, 74 + 37 + 64 + 86);
  EXPECT_EQ(off->stats().n_pages_cached, 0);
}

class PrefixCacheTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Engine, PrefixCacheTest, testing::Values("f32", "bf16", "fp8_e4m3", "fp8_ds_mla"),
                         [](const auto& param) { return param.param; });

TEST_P(PrefixCacheTest, AnswersToTheBitAsIfAllWereComputed) {
  EngineOptions options = tiny_options();
  options.kv_cache_dtype = GetParam();
  if (GetParam() == "fp8_e4m3") options.kv_scale = 0.01f;
  options.max_step_tokens = 20;
  expect_same_bits(options);
  options.isa = "scalar";
  options.page_size = 5;
  expect_same_bits(options);
}

TEST(PrefixCache, AnswersToTheBitOnTheBundledModel) {
  EngineOptions options;
  options.model = DB_SOURCE_DIR "/models/glm52-nano";
  options.max_context = 256;
  expect_same_bits(options);
}

TEST(PrefixCache, DomainsDoNotSeeEachOther) {
  const auto engine = start_engine(tiny_options());
  EXPECT_EQ(ask(*engine, prompt(40, 1), "a").n_cached, 0);
  EXPECT_EQ(ask(*engine, prompt(40, 1), "b").n_cached, 0);
  EXPECT_EQ(ask(*engine, prompt(40, 1), "a").n_cached, 39);
}

TEST(PrefixCache, EvictsForNewTextAndCountsIt) {
  EngineOptions options = tiny_options();
  options.kv_tokens = 200;
  const auto engine = start_engine(options);
  for (int32_t kind = 0; kind < 6; ++kind) EXPECT_EQ(ask(*engine, prompt(60, kind * 3)).tokens.size(), 12u);
  const EngineStats stats = engine->stats();
  EXPECT_GT(stats.n_evictions, 0);
  EXPECT_GT(stats.n_pages_cached, 0);
  EXPECT_EQ(stats.n_pages_pinned, 0);
  EXPECT_EQ(stats.n_pages_free, stats.n_pages_total);
  EXPECT_EQ(ask(*engine, prompt(60, 15)).n_cached, 59) << "the newest text is the last to go";
}

}  // namespace
}  // namespace drawbridge
