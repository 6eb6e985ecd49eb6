#include "load/arrivals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace drawbridge {
namespace {

constexpr int kDraws = 100000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> gaps(const ArrivalOptions& options, int n) {
  Arrivals arrivals(options);
  std::vector<double> list;
  double last = 0;
  for (int i = 0; i < n; ++i) {
    const double now = arrivals.next();
    list.push_back(now - last);
    last = now;
  }
  return list;
}

struct Moments {
  double mean = 0;
  double variation = 0;  // standard deviation by mean
};

Moments moments(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size())) / mean};
}

TEST(Arrivals, PoissonGapsAreExponential) {
  const auto list = gaps({4, 1, 7}, kDraws);
  const Moments m = moments(list);
  EXPECT_NEAR(m.mean, 0.25, 0.25 * 0.015);  // over four standard errors
  EXPECT_NEAR(m.variation, 1, 0.02);
  const auto n_long = std::count_if(list.begin(), list.end(), [](double gap) { return gap > 0.5; });
  EXPECT_NEAR(static_cast<double>(n_long) / kDraws, std::exp(-2), 0.005);
}

TEST(Arrivals, BurstinessIsTheShapeOfTheGammaDistribution) {
  for (const double shape : {0.25, 0.5, 2.0, 9.0}) {
    const Moments m = moments(gaps({2, shape, 11}, kDraws));
    EXPECT_NEAR(m.mean, 0.5, 0.5 * 0.03) << shape;
    EXPECT_NEAR(m.variation, 1 / std::sqrt(shape), 0.04 / std::sqrt(shape)) << shape;
  }
}

/// Nothing is rescaled: the time of the N-th arrival scatters as the sum of N gaps does.
TEST(Arrivals, RealizedRatesScatter) {
  std::vector<double> ends;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Arrivals arrivals({1, 1, seed});
    double last = 0;
    for (int i = 0; i < 100; ++i) last = arrivals.next();
    ends.push_back(last);
  }
  const Moments m = moments(ends);
  EXPECT_NEAR(m.mean, 100, 1);
  EXPECT_NEAR(m.variation, 0.1, 0.01);
}

TEST(Arrivals, ConstantGapsAreEqual) {
  EXPECT_THAT(gaps({8, kInfinity, 3}, 100), testing::Each(testing::DoubleNear(0.125, 1e-9)));
}

TEST(Arrivals, AllAtOnceIsNow) {
  EXPECT_THAT(gaps({0, 1, 3}, 5), testing::Each(0));
}

TEST(Arrivals, TheSameSeedGivesTheSameTimesAndAnotherDoesNot) {
  EXPECT_EQ(gaps({3, 0.5, 1}, 100), gaps({3, 0.5, 1}, 100));
  EXPECT_NE(gaps({3, 0.5, 1}, 100), gaps({3, 0.5, 2}, 100));
  // These must not change with compiler, library or machine.
  Arrivals arrivals({10, 1, 42});
  std::vector<int64_t> microseconds;
  for (int i = 0; i < 4; ++i) microseconds.push_back(std::llround(arrivals.next() * 1e6));
  EXPECT_THAT(microseconds, testing::ElementsAre(42052, 353834, 420455, 427429));
}

TEST(Arrivals, SayWhatTheyAre) {
  EXPECT_EQ(describe_arrivals({2, 1, 0}), "poisson");
  EXPECT_EQ(describe_arrivals({2, 0.5, 0}), "gamma burstiness 0.5");
  EXPECT_EQ(describe_arrivals({2, kInfinity, 0}), "constant");
  EXPECT_EQ(describe_arrivals({0, 1, 0}), "all at once");
}

}  // namespace
}  // namespace drawbridge
