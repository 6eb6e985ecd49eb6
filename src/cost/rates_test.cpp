#include "cost/rates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::HasSubstr;

/// What the parts come to: must be the dollars that were divided.
double sum(const Rates& rates, const TokenMix& tokens) {
  return (rates.uncached.value_or(0) * tokens.uncached + rates.cached.value_or(0) * tokens.cached +
          rates.output.value_or(0) * tokens.output) /
         1e6;
}

TEST(Rates, PartsAddUpToTheDollarsWhateverTheWeights) {
  for (const TokenMix& tokens : {TokenMix{8e6, 12e6, 1e6}, TokenMix{5, 0, 3}, TokenMix{0, 0, 7e9}}) {
    for (const TokenWeights& weights : {TokenWeights{0, 1}, TokenWeights{0.19, 3.14}, TokenWeights{1, 100}}) {
      EXPECT_NEAR(sum(divide_dollars(23.6, tokens, weights), tokens), 23.6, 1e-9);
    }
  }
}

TEST(Rates, KindsWithoutTokensHaveNoRate) {
  const Rates rates = divide_dollars(1, {1e6, 0, 0}, {0.5, 2});
  EXPECT_NEAR(rates.uncached.value(), 1, 1e-12);
  EXPECT_FALSE(rates.cached);
  EXPECT_FALSE(rates.output);
  const Rates nothing = divide_dollars(1, {0, 0, 0}, {0.5, 2});
  EXPECT_FALSE(nothing.uncached || nothing.cached || nothing.output);
}

TEST(Rates, ByPriceTheRatesStandToEachOtherAsThePrices) {
  const ApiPrice price{"z.ai", {1.40, {"list", "2026-11-22", "list", ""}}, Figure{0.26, {}}, {4.40, {}}};
  const Attribution attribution = attribution_by_price("GLM-5.2", price);
  const Rates rates = divide_dollars(10, {8, 12, 1}, attribution.weights);
  EXPECT_NEAR(rates.cached.value() / rates.uncached.value(), 0.26 / 1.40, 1e-12);
  EXPECT_NEAR(rates.output.value() / rates.uncached.value(), 4.40 / 1.40, 1e-12);
  EXPECT_THAT(attribution.rule, HasSubstr("1 : 0.186 : 3.14"));
  EXPECT_THAT(attribution.rule, HasSubstr("2026-11-22"));
}

TEST(Rates, BySecondsEachPhaseGetsItsOwnSecondsDollars) {
  const TokenMix tokens{8000, 12000, 1000};
  const auto attribution = attribution_by_seconds({0.68, 0.32}, tokens);
  ASSERT_TRUE(attribution.ok()) << attribution.status().message();
  const Rates rates = divide_dollars(100, tokens, attribution->weights);
  EXPECT_NEAR(rates.uncached.value() * tokens.uncached / 1e6, 68, 1e-9);
  EXPECT_NEAR(rates.output.value() * tokens.output / 1e6, 32, 1e-9);
  EXPECT_EQ(rates.cached.value(), 0);
  EXPECT_THAT(attribution->rule, HasSubstr("68.0 % on input, 32.0 % on output"));
}

TEST(Rates, SecondsWithoutTokensAreRefused) {
  EXPECT_FALSE(attribution_by_seconds({1, 1}, {0, 10, 10}).ok());
  EXPECT_FALSE(attribution_by_seconds({1, 0}, {10, 0, 10}).ok());
}

TEST(Rates, WeightsAreReadWhole) {
  const auto weights = parse_weights("0.19:3.1");
  ASSERT_TRUE(weights.ok());
  EXPECT_EQ(weights->cached, 0.19);
  EXPECT_EQ(weights->output, 3.1);
  for (const char* wrong : {"", "1", "a:1", "1:", "-1:2", "1:2x", "nan:1"}) {
    const auto refused = parse_weights(wrong);
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_THAT(refused.status().message(), HasSubstr("wanted CACHED:OUTPUT"));
  }
}

}  // namespace
}  // namespace drawbridge
