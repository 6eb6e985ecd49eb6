#include "stats/paired.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stats/proportions.h"
#include "stats/sample_size.h"

namespace drawbridge {
namespace {

/// Single items with the counts of `table`.
std::vector<PairedItem> items_of(const DiscordantTable& table) {
  std::vector<PairedItem> items;
  const auto add = [&](int64_t n, double baseline, double candidate) {
    for (int64_t i = 0; i < n; ++i) items.push_back({std::to_string(items.size()), baseline, candidate});
  };
  add(table.both, 1, 1);
  add(table.only_baseline, 1, 0);
  add(table.only_candidate, 0, 1);
  add(table.neither, 0, 0);
  return items;
}

PairedOptions margin(double share) {
  PairedOptions options;
  options.margin = share;
  return options;
}

TEST(Paired, SingleAnswersAreJudgedByTheirTable) {
  const PairedReport report = compare_paired(items_of({1200, 40, 30, 49}), margin(0.01));
  EXPECT_EQ(report.method, PairedMethod::kScore);
  EXPECT_EQ(report.n_items, 1319);
  EXPECT_EQ(report.table->only_baseline, 40);
  EXPECT_EQ(report.table->neither, 49);
  EXPECT_NEAR(report.difference, -10.0 / 1319, 1e-12);
  EXPECT_NEAR(report.discordance, 70.0 / 1319, 1e-12);
  EXPECT_EQ(report.p_value, mcnemar_exact(*report.table));
  EXPECT_NEAR(report.lower_bound, -0.0183029, 1e-6);  // tango_90 of tests/golden/stats
  EXPECT_EQ(report.verdict, Verdict::kNotShown);
}

TEST(Paired, VerdictIsOneSidedAtTheMargin) {
  EXPECT_EQ(compare_paired(items_of({1200, 40, 30, 49}), margin(0.02)).verdict, Verdict::kNonInferior);
  EXPECT_EQ(compare_paired(items_of({1000, 120, 20, 100}), margin(0.02)).verdict, Verdict::kInferior);
  EXPECT_EQ(compare_paired(items_of({40, 0, 0, 0}), margin(0.01)).verdict, Verdict::kNotShown);
}

TEST(Paired, EqualAnswersOfFewQuestionsShowNothing) {
  std::vector<PairedItem> items;
  for (int question = 0; question < 5; ++question) {
    for (int seed = 0; seed < 8; ++seed) items.push_back({std::to_string(question), 1, 1});
  }
  const PairedReport report = compare_paired(items, margin(0.05));
  EXPECT_EQ(report.method, PairedMethod::kBootstrap);
  EXPECT_EQ(report.n_clusters, 5);
  EXPECT_EQ(report.verdict, Verdict::kNotShown);
  EXPECT_LT(report.lower_bound, -0.3);  // five questions, not forty
  EXPECT_EQ(report.n_clusters_needed, paired_sample_size(0.2, 0.05));
}

/// `n` questions asked twice; of the first `n_differing`, one answer of two changes by `change`.
std::vector<PairedItem> few_differ(int n, int n_differing, double change) {
  std::vector<PairedItem> items;
  for (int question = 0; question < n; ++question) {
    const double before = change > 0 ? 0 : 1;
    items.push_back({std::to_string(question), before, question < n_differing ? before + change : before});
    items.push_back({std::to_string(question), 1, 1});
  }
  return items;
}

TEST(Paired, DifferencesOfOneSignDoNotExcludeTheOther) {
  const PairedReport won = compare_paired(few_differ(20, 2, 1), margin(0.01));
  EXPECT_EQ(won.method, PairedMethod::kBootstrap);
  EXPECT_EQ(won.n_differing, 2);
  EXPECT_LT(won.lower_bound, -0.05);  // 20 questions, none discordant, leave 0.119 open
  EXPECT_LT(won.interval.low, won.lower_bound);
  EXPECT_EQ(won.verdict, Verdict::kNotShown);
  const PairedReport lost = compare_paired(few_differ(20, 2, -1), margin(0.01));
  EXPECT_GT(lost.upper_bound, 0.05);
  EXPECT_GT(lost.interval.high, lost.upper_bound);
  EXPECT_EQ(lost.verdict, Verdict::kNotShown);
}

TEST(Paired, CopiesOfAnAnswerAddNoEvidence) {
  const std::vector<PairedItem> single = items_of({180, 12, 4, 4});
  std::vector<PairedItem> copied;
  for (const PairedItem& item : single) copied.insert(copied.end(), 5, item);
  const PairedReport one = compare_paired(single, margin(0.05));
  const PairedReport five = compare_paired(copied, margin(0.05));
  EXPECT_EQ(five.n_items, 1000);
  EXPECT_EQ(five.n_clusters, 200);
  EXPECT_NEAR(five.interval.low, one.interval.low, 0.01);
  EXPECT_NEAR(five.interval.high, one.interval.high, 0.01);
  EXPECT_NEAR(five.p_value, one.p_value, 0.02);
  EXPECT_NEAR(five.discordance, one.discordance, 1e-12);
}

TEST(Paired, SameSeedSameBits) {
  std::vector<PairedItem> items;
  for (int i = 0; i < 60; ++i) items.push_back({std::to_string(i / 2), 0.5, i % 7 == 0 ? 0.25 : 0.5});
  PairedOptions options = margin(0.05);
  const PairedReport first = compare_paired(items, options), again = compare_paired(items, options);
  EXPECT_FALSE(first.table.has_value());  // partial scores
  EXPECT_EQ(first.interval.low, again.interval.low);
  EXPECT_EQ(first.p_value, again.p_value);
  options.seed = 2;
  EXPECT_NE(compare_paired(items, options).p_value, first.p_value);
}

TEST(Paired, RefusesOptionsThatMeanNothing) {
  EXPECT_THAT(check_paired_options(margin(0)).message(), testing::HasSubstr("--margin"));
  PairedOptions options;
  options.confidence = 95;
  EXPECT_THAT(check_paired_options(options).message(), testing::HasSubstr("--confidence"));
  options = {};
  options.n_resamples = 10;
  EXPECT_THAT(check_paired_options(options).message(), testing::HasSubstr("--resamples"));
}

TEST(SampleSize, OfThePublishedAccuracies) {
  EXPECT_EQ(unpaired_sample_size(0.965, 0.01), 4179);
  EXPECT_EQ(unpaired_sample_size(0.965, 0.005), 16713);
  EXPECT_EQ(unpaired_sample_size(0.92, 0.02), 2277);
  EXPECT_EQ(paired_sample_size(0.03, 0.01), 1856);
  EXPECT_EQ(paired_sample_size(0.03, 0.005), 7423);
  EXPECT_EQ(paired_sample_size(0.10, 0.02), 1547);
}

TEST(Proportions, CountsBehindAPrintedScore) {
  const std::vector<Fraction> near = fractions_printed_as(0.9026, 4, 380, 396);
  ASSERT_EQ(near.size(), 2u);  // not k/396
  EXPECT_EQ(near[0].k, 352);
  EXPECT_EQ(near[0].n, 390);
  EXPECT_EQ(near[1].k, 343);
  EXPECT_EQ(near[1].n, 380);
  EXPECT_EQ(fractions_printed_as(0.9217, 4, 396, 396).front().k, 365);
  EXPECT_EQ(fractions_printed_as(0.125, 2, 8, 8).front().k, 1);  // a tie may be printed either way
}

}  // namespace
}  // namespace drawbridge
