#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "base/rng.h"
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

/// The rule as one would write it down: all tokens sorted, cut, and walked through.
int32_t pick_by_sorting(const std::vector<float>& logits, const SamplingOptions& o, double u) {
  struct Candidate {
    int32_t token;
    double p;
  };
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double p = std::exp((static_cast<double>(logits[i]) - top) / static_cast<double>(o.temperature));
    if (p >= static_cast<double>(o.min_p)) all.push_back({static_cast<int32_t>(i), p});
  }
  std::sort(all.begin(), all.end(),
            [](const Candidate& a, const Candidate& b) { return a.p != b.p ? a.p > b.p : a.token < b.token; });
  if (o.top_k > 0 && static_cast<size_t>(o.top_k) < all.size()) all.resize(static_cast<size_t>(o.top_k));
  const auto sum = [&] {
    return std::accumulate(all.begin(), all.end(), 0.0, [](double s, const Candidate& c) { return s + c.p; });
  };
  if (o.top_p < 1.0f) {
    const double wanted = static_cast<double>(o.top_p) * sum();
    size_t n = 0;
    for (double kept = 0; n < all.size() && kept < wanted; ++n) kept += all[n].p;
    all.resize(std::max<size_t>(n, 1));
  }
  double left = u * sum();
  for (const Candidate& c : all) {
    left -= c.p;
    if (left < 0) return c.token;
  }
  return all.back().token;
}

/// Peaked as a trained model's, flat as an untrained one's, in steps with many ties, and all alike.
TEST(Sampler, TheSameTokenAsBySorting) {
  std::mt19937 draw(3);
  std::normal_distribution<float> normal;
  const std::function<float()> kinds[] = {[&] { return 3 * normal(draw); }, [&] { return 12 * normal(draw); },
                                          [&] { return 0.3f * normal(draw); },
                                          [&] { return static_cast<float>(draw() % 7); }, [] { return -2.5f; }};
  const auto options = [](float temperature, float top_p, int32_t top_k, float min_p) {
    SamplingOptions o;
    o.temperature = temperature;
    o.top_p = top_p;
    o.top_k = top_k;
    o.min_p = min_p;
    return o;
  };
  const SamplingOptions all_options[] = {
      options(1, 1, 0, 0),        options(1, 0.95f, 0, 0),  options(0.6f, 1, 20, 0), options(1.5f, 1, 0, 0.05f),
      options(1, 0.3f, 700, 0),   options(2, 0.999f, 0, 0), options(0.01f, 1, 0, 0), options(1, 0.9f, 40, 0.01f),
      options(1e-6f, 1, 0, 0.5f), options(1, 1e-6f, 0, 0),  options(1, 1, 1, 0),     options(100, 1, 999, 1e-6f)};
  for (const auto& kind : kinds) {
    std::vector<float> logits(3001);
    for (float& logit : logits) logit = kind();
    for (const SamplingOptions& o : all_options) {
      for (uint64_t position = 0; position < 20; ++position) {
        const int32_t wanted = pick_by_sorting(logits, o, uniform_at(5, position));
        ASSERT_EQ(pick(logits, o, 5, position), wanted) << o.temperature << " " << o.top_p << " " << o.top_k;
      }
    }
  }
}

TEST(Sampler, AlternativesAreSortedAndTiesGoToTheLowerId) {
  SamplingOptions o;
  o.n_logprobs = 5;
  std::vector<float> logits = {1, 4, 4, 0, 9, 4, 4, 2};
  const auto sampled = sample(logits, o, {}, 1, 0);
  std::vector<int32_t> tokens;
  for (const TokenLogprob& t : sampled->alternatives) tokens.push_back(t.token);
  EXPECT_EQ(tokens, (std::vector<int32_t>{4, 1, 2, 5, 6}));
}

TEST(Sampler, AnInfiniteLogitFailsWhereverItStands) {
  for (size_t i = 0; i < 37; ++i) {
    for (const float bad : {INFINITY, -INFINITY, NAN}) {
      std::vector<float> logits(37, 1.5f);
      logits[i] = bad;
      const auto sampled = sample(logits, {}, {}, 1, 0);
      ASSERT_FALSE(sampled.ok());
      ASSERT_NE(sampled.status().message().find("token " + std::to_string(i) + " "), std::string::npos);
    }
  }
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
