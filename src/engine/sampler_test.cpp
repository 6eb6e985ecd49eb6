#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/stop_strings.h"

namespace drawbridge {
namespace {

int32_t pick(std::vector<float> logits, const SamplingOptions& options, uint64_t seed = 1, uint64_t position = 0,
             const TokenCounts& counts = {}) {
  return sample(logits, options, counts, seed, position)->token;
}

/// Chi-square of 20,000 draws against `p`; tokens with p = 0 must never come.
double chi_square(const std::vector<float>& logits, const SamplingOptions& options, const std::vector<double>& p) {
  constexpr int kDraws = 20000;
  std::vector<int> count(p.size(), 0);
  for (uint64_t i = 0; i < kDraws; ++i) ++count[static_cast<size_t>(pick(logits, options, 7, i))];
  double sum = 0;
  for (size_t t = 0; t < p.size(); ++t) {
    if (p[t] == 0) {
      EXPECT_EQ(count[t], 0) << t;
      continue;
    }
    const double wanted = p[t] * kDraws;
    sum += (count[t] - wanted) * (count[t] - wanted) / wanted;
  }
  return sum;
}

// Probabilities 0.5, 0.25, 0.125, 0.125. 16.3 is the 0.999 quantile of chi-square with three degrees of freedom.
const std::vector<float> kLogits = {std::log(0.5f), std::log(0.25f), std::log(0.125f), std::log(0.125f)};
constexpr double kLimit = 16.3;

TEST(Sampler, DrawsFromTheDistribution) {
  EXPECT_LT(chi_square(kLogits, {}, {0.5, 0.25, 0.125, 0.125}), kLimit);
}

TEST(Sampler, TemperatureSharpens) {
  SamplingOptions o;
  o.temperature = 0.5f;  // p squared, renormalized
  EXPECT_LT(chi_square(kLogits, o, {8.0 / 11, 2.0 / 11, 0.5 / 11, 0.5 / 11}), kLimit);
}

TEST(Sampler, TopKTopPAndMinPCut) {
  SamplingOptions k, p, m;
  k.top_k = 2;
  EXPECT_LT(chi_square(kLogits, k, {2.0 / 3, 1.0 / 3, 0, 0}), kLimit);
  p.top_p = 0.7f;
  EXPECT_LT(chi_square(kLogits, p, {2.0 / 3, 1.0 / 3, 0, 0}), kLimit);
  m.min_p = 0.4f;
  EXPECT_LT(chi_square(kLogits, m, {2.0 / 3, 1.0 / 3, 0, 0}), kLimit);
}

TEST(Sampler, GreedyTiesGoToTheLowerId) {
  SamplingOptions o;
  o.temperature = 0;
  EXPECT_EQ(pick({1, 3, 3}, o), 1);
}

TEST(Sampler, PenaltiesAndBias) {
  SamplingOptions o;
  o.temperature = 0;
  TokenCounts counts;
  counts.generated[1] = 3;
  counts.prompt[2] = 1;
  EXPECT_EQ(pick({1, 3, 2}, o, 1, 0, counts), 1);
  o.frequency_penalty = 0.5f;
  EXPECT_EQ(pick({1, 3, 2}, o, 1, 0, counts), 2);
  o.repetition_penalty = 4;
  EXPECT_EQ(pick({1, 3, 2}, o, 1, 0, counts), 0);
  o.logit_bias = {{2, 100}};
  EXPECT_EQ(pick({1, 3, 2}, o, 1, 0, counts), 2);
}

TEST(Sampler, SameSeedAndPositionSameToken) {
  int n_different = 0;
  for (uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(pick(kLogits, {}, 3, i), pick(kLogits, {}, 3, i));
    n_different += pick(kLogits, {}, 3, i) != pick(kLogits, {}, 4, i) ? 1 : 0;
  }
  EXPECT_GT(n_different, 20);
}

TEST(Sampler, LogprobsAreOfTheRawDistribution) {
  SamplingOptions o;
  o.temperature = 0;
  o.n_logprobs = 2;
  o.logit_bias = {{3, 100}};
  std::vector<float> logits = kLogits;
  const auto sampled = sample(logits, o, {}, 1, 0);
  EXPECT_EQ(sampled->token, 3);
  EXPECT_NEAR(sampled->chosen.logprob, std::log(0.125), 1e-6);
  ASSERT_EQ(sampled->alternatives.size(), 2u);
  EXPECT_EQ(sampled->alternatives[0].token, 0);
  EXPECT_NEAR(sampled->alternatives[1].logprob, std::log(0.25), 1e-6);
}

TEST(Sampler, ALogitThatIsNoNumberFails) {
  std::vector<float> logits = {0, NAN};
  EXPECT_EQ(sample(logits, {}, {}, 1, 0).status().code(), Code::kInternal);
}

TEST(StopStrings, AnySplitOfTheTextGivesTheSame) {
  const std::string text = "say END of ENDING or STOP now";
  for (size_t i = 0; i <= text.size(); ++i) {
    StopStrings stops({"STOP", "ENDI"});
    std::string shown = stops.push(text.substr(0, i));
    shown += stops.push(text.substr(i));
    EXPECT_EQ(shown, "say END of ");
    EXPECT_EQ(stops.matched(), "ENDI");
  }
}

TEST(StopStrings, HoldsBackOnlyWhatMayStillMatch) {
  StopStrings stops({"<|x|>"});
  EXPECT_EQ(stops.push("a<|"), "a");
  EXPECT_EQ(stops.push("y"), "<|y");
  EXPECT_EQ(stops.push("<"), "");
  EXPECT_EQ(stops.finish(), "<");
}

}  // namespace
}  // namespace drawbridge
