#include "prove/proof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/tiny_engine_test.h"
#include "prove/proof_report.h"

namespace drawbridge {
namespace {

using ::testing::HasSubstr;

ProofRun small_run() {
  ProofRun run;
  for (auto& turn : run.turns) turn = {{{5, 7}, {{0.5f, 1.5f}, {2.5f, -1.0f}}}, {{9}, {{0.25f, 0.75f}}}};
  return run;
}

TEST(Difference, RunsThatAreTheSameHaveNone) {
  EXPECT_FALSE(first_difference(small_run(), small_run()));
}

TEST(Difference, TheFirstIsToldWithTheLargestGapOfItsLogits) {
  ProofRun found = small_run();
  found.turns[1][0].logits[1] = {2.25f, 1.0f};
  found.turns[1][1].tokens[0] = 8;
  const auto difference = first_difference(small_run(), found);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->text(), "turn 2, request 0, token 1: wanted 7, found 7");
  EXPECT_EQ(difference->logit_gap, 2.0);
}

TEST(Difference, ASignOfZeroIsOne) {
  ProofRun wanted = small_run(), found = small_run();
  wanted.turns[0][1].logits[0][0] = 0.0f;
  found.turns[0][1].logits[0][0] = -0.0f;
  const auto difference = first_difference(wanted, found);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->logit_gap, 0.0);
}

TEST(Difference, AnAnswerThatEndsEarlyOrIsNoNumberIsInfinitelyFar) {
  ProofRun found = small_run();
  found.turns[0][0].tokens.pop_back();
  found.turns[0][0].logits.pop_back();
  auto difference = first_difference(small_run(), found);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->found_token, -1);
  EXPECT_TRUE(std::isinf(difference->logit_gap));
  found = small_run();
  found.turns[0][0].logits[0][1] = std::numeric_limits<float>::quiet_NaN();
  difference = first_difference(small_run(), found);
  ASSERT_TRUE(difference);
  EXPECT_TRUE(std::isinf(difference->logit_gap));
}

TEST(Judge, ARunThatDidNotDoWhatItIsAboutProvesNothing) {
  const ProofWorkload workload{2, 8, 2};
  const std::vector<Variant> variants = proof_variants(tiny_options(), workload);
  const auto cache =
      std::find_if(variants.begin(), variants.end(), [](const Variant& v) { return v.name == "prefix cache"; });
  ASSERT_NE(cache, variants.end());
  const VariantResult idle = judge(*cache, small_run(), small_run());
  EXPECT_EQ(idle.finding, Finding::kNotExercised);
  EXPECT_EQ(idle.reason, "cached tokens: wanted at least 1, found 0");
  ProofRun used = small_run();
  used.stats.n_cached_tokens = 3;
  EXPECT_EQ(judge(*cache, small_run(), used).finding, Finding::kIdentical);
  used.turns[0][1].tokens[0] = 1;
  EXPECT_EQ(judge(*cache, small_run(), used).finding, Finding::kDifferent);
}

TEST(Prove, ATinyModelAnswersTheSameInEveryWay) {
  ProveOptions options{tiny_options(), {12, 40, 6}};
  std::vector<std::string> begun;
  const auto proof = prove(options, [&](int64_t, int64_t, const std::string& name) { begun.push_back(name); });
  ASSERT_TRUE(proof.ok()) << proof.status().message();
  EXPECT_TRUE(proof->holds()) << proof_text(*proof);
  EXPECT_EQ(proof->n_tokens, 2 * 12 * 6);
  EXPECT_EQ(proof->vocab, 256);
  EXPECT_EQ(begun.size(), proof->variants.size() + 2);
  EXPECT_THAT(proof_text(*proof), HasSubstr("PROVEN"));
  EXPECT_EQ(proof_json(*proof)["proven"], true);
}

TEST(Prove, TheBundledModelAnswersTheSameInEveryWayWithAnFp8CacheToo) {
  for (const char* kv_cache_dtype : {"bf16", "fp8_ds_mla"}) {
    ProveOptions options;
    options.engine.model = std::string(DB_SOURCE_DIR) + "/models/glm52-nano";
    options.engine.kv_cache_dtype = kv_cache_dtype;
    options.engine.max_context = 256;
    options.workload = {16, 60, 6};
    const auto proof = prove(options, [](int64_t, int64_t, const std::string&) {});
    ASSERT_TRUE(proof.ok()) << proof.status().message();
    EXPECT_TRUE(proof->holds()) << proof_text(*proof);
  }
}

TEST(Prove, ARequestThatDoesNotFitIsRefused) {
  ProveOptions options{tiny_options(), {12, 40, 6}};
  options.engine.max_context = 60;
  options.workload.prompt_tokens = 60;
  const auto proof = prove(options, [](int64_t, int64_t, const std::string&) {});
  ASSERT_FALSE(proof.ok());
  EXPECT_THAT(proof.status().message(), HasSubstr("context"));
}

TEST(ProofReport, SaysWhereAVariantParted) {
  Proof proof;
  VariantResult bad;
  bad.name = "batch 8";
  bad.finding = Finding::kDifferent;
  bad.difference = Difference{0, 3, 2, 11, 12, 0.125};
  proof.variants = {bad};
  EXPECT_THAT(proof_text(proof), HasSubstr("batch 8: turn 1, request 3, token 2: wanted 11, found 12"));
  EXPECT_THAT(proof_text(proof), HasSubstr("NOT PROVEN"));
  EXPECT_EQ(proof_json(proof)["variants"][0]["difference"]["logit_gap"], 0.125);
}

}  // namespace
}  // namespace drawbridge
