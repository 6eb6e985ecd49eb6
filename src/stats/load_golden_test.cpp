// Against scipy and numpy (tests/reference/stats/make_load_golden.py), and against what is known in closed form.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/json.h"
#include "base/mapped_file.h"
#include "base/rng.h"
#include "stats/block_bootstrap.h"
#include "stats/change_point.h"
#include "stats/normal.h"
#include "stats/quantile.h"
#include "stats/slope.h"
#include "stats/student_t.h"

namespace drawbridge {
namespace {

const Json& golden() {
  static const Json root = [] {
    const std::string path = std::string(DB_SOURCE_DIR) + "/tests/golden/stats/load.json";
    return parse_json(read_text_file(path, 1 << 20).value(), path).value();
  }();
  return root;
}

std::vector<double> normal_noise(size_t n, uint64_t seed) {
  std::vector<double> values;
  for (size_t i = 0; i < n; ++i) values.push_back(normal_quantile(0.5 * (uniform_at(seed, i) + 0x1p-53) + 0.25));
  return values;
}

TEST(LoadGolden, StudentsQuantiles) {
  for (const Json& c : golden()["t_quantiles"]) {
    const double wanted = c[2].get<double>();
    EXPECT_NEAR(student_t_quantile(c[0].get<double>(), c[1].get<double>()), wanted, 1e-8 * (1 + std::abs(wanted)));
  }
}

TEST(LoadGolden, QuantilesAndTheirIntervals) {
  for (const Json& c : golden()["quantiles"]) {
    auto values = c["values"].get<std::vector<double>>();
    const double level = c["level"].get<double>();
    SCOPED_TRACE(values.size());
    EXPECT_DOUBLE_EQ(quantile_of(values, level), c["quantile"].get<double>());
    const auto interval = quantile_interval(values, level, 0.95);
    const bool is_bounded = !c["interval"][0].is_null() && !c["interval"][1].is_null();
    ASSERT_EQ(interval.has_value(), is_bounded);
    if (is_bounded) {
      EXPECT_DOUBLE_EQ(interval->low, c["interval"][0].get<double>());
      EXPECT_DOUBLE_EQ(interval->high, c["interval"][1].get<double>());
    }
    std::reverse(values.begin(), values.end());
    const double levels[] = {0.1, level, 1.0};
    std::vector<double> sorted = c["values"].get<std::vector<double>>();
    if (level > 0.1) {
      EXPECT_DOUBLE_EQ(quantiles_of(values, levels)[1], quantile_of(sorted, level));
    }
  }
}

TEST(LoadGolden, SmallestSamples) {
  EXPECT_EQ(smallest_sample(0.5, 0.95), 6);
  EXPECT_EQ(smallest_sample(0.95, 0.95), 72);
  EXPECT_EQ(smallest_sample(0.99, 0.95), 368);
}

TEST(LoadGolden, Slopes) {
  for (const Json& c : golden()["slopes"]) {
    const auto x = c["x"].get<std::vector<double>>(), y = c["y"].get<std::vector<double>>();
    const Slope slope = fit_slope(x, y, static_cast<double>(x.size()), 0.95).value();
    EXPECT_NEAR(slope.value, c["slope"].get<double>(), 1e-9);
    EXPECT_NEAR(slope.interval.low, c["interval"][0].get<double>(), 1e-8);
    EXPECT_NEAR(slope.interval.high, c["interval"][1].get<double>(), 1e-8);
    // Fewer independent points, a wider interval.
    EXPECT_LT(fit_slope(x, y, static_cast<double>(x.size()) / 2, 0.95)->interval.low, slope.interval.low);
  }
  const double same[] = {1, 1, 1}, rising[] = {1, 2, 3};
  EXPECT_FALSE(fit_slope(same, rising, 3, 0.95).has_value());
}

TEST(BlockBootstrap, CoversTheMeanOfADependentSeries) {
  // x[i] = 0.8 x[i - 1] + noise: the mean of n values has about 3 times the error of independent ones.
  int n_covered = 0, n_covered_single = 0;
  constexpr int kSeries = 60;
  for (uint64_t seed = 0; seed < kSeries; ++seed) {
    std::vector<double> series = normal_noise(600, seed);
    for (size_t i = 1; i < series.size(); ++i) series[i] += 0.8 * series[i - 1];
    for (const bool is_single : {false, true}) {
      const size_t length = is_single ? 1 : block_length_for(series);
      std::vector<double> means;
      for_each_resample(series.size(), {length, 400, seed}, [&](std::span<const size_t> places) {
        double sum = 0;
        for (const size_t place : places) sum += series[place];
        means.push_back(sum / static_cast<double>(places.size()));
      });
      const Interval interval = percentile_interval(means, 0.95);
      (is_single ? n_covered_single : n_covered) += interval.low <= 0 && interval.high >= 0 ? 1 : 0;
    }
  }
  EXPECT_GE(n_covered, 48);
  EXPECT_LE(n_covered_single, 45);
}

TEST(BlockBootstrap, HoldsTheHighPercentileOfASeriesThatGrows) {
  std::vector<double> series(400);
  std::iota(series.begin(), series.end(), 0.0);
  const double level = 0.95;
  std::vector<double> found, resample(series.size());
  for_each_resample(series.size(), {block_length_for(series), 1000, 1}, [&](std::span<const size_t> places) {
    std::transform(places.begin(), places.end(), resample.begin(), [&](size_t place) { return series[place]; });
    found.push_back(quantile_of(resample, level));
  });
  const Interval interval = percentile_interval(found, 0.95);
  EXPECT_LE(interval.low, quantile_of(series, level));
  EXPECT_GE(interval.high, quantile_of(series, level));
}

TEST(BlockBootstrap, BlocksAreLongerWhereValuesDepend) {
  std::vector<double> series = normal_noise(1000, 3);
  EXPECT_EQ(block_length_for(series), 10u);  // the cube root
  for (size_t i = 1; i < series.size(); ++i) series[i] += 0.9 * series[i - 1];
  EXPECT_GT(block_length_for(series), 20u);
  EXPECT_EQ(block_length_for(std::vector<double>(8, 1.0)), 2u);  // all alike, at most a quarter
}

TEST(ChangePoint, FindsAStepAndNoneInNoise) {
  int n_false = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::vector<double> series = normal_noise(40, seed + 500);
    n_false += change_point(series, 20, seed).has_value() ? 1 : 0;
    for (size_t i = 0; i < 6; ++i) series[i] -= 4;
    const auto found = change_point(series, 20, seed);
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(static_cast<double>(*found), 6, 1);
  }
  EXPECT_LE(n_false, 6);
  EXPECT_FALSE(change_point(std::vector<double>{1, 2, 9, 9}, 2, 1).has_value());
}

}  // namespace
}  // namespace drawbridge
