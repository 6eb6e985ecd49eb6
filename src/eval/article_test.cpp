#include "eval/article.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::HasSubstr;

TEST(Article, RowsAsKnownFromTheirPrintedErrors) {
  const Article article = recompute_article();
  ASSERT_EQ(article.rows.size(), 3u);
  const DifferenceTest& gsm8k = article.rows[0].readings[1].test;
  EXPECT_NEAR(gsm8k.z, -0.52, 0.005);
  EXPECT_NEAR(gsm8k.p, 0.60, 0.005);
  EXPECT_NEAR(gsm8k.interval.low, -0.047, 5e-4);
  EXPECT_NEAR(gsm8k.interval.high, 0.027, 5e-4);
  const DifferenceTest& gpqa = article.rows[1].readings[0].test;
  EXPECT_NEAR(gpqa.z, -0.95, 0.01);
  EXPECT_NEAR(gpqa.p, 0.34, 0.01);
  EXPECT_NEAR(gpqa.interval.low, -0.059, 6e-4);
  EXPECT_NEAR(gpqa.interval.high, 0.020, 6e-4);
  const DifferenceTest& tau2 = article.rows[2].readings[0].test;
  EXPECT_NEAR(tau2.z, 0.5, 0.05);
  EXPECT_NEAR(tau2.interval.high - tau2.difference, 0.065, 0.005);
}

TEST(Article, SaysWhatTheRowsLeaveOpen) {
  const std::string text = article_text(recompute_article());
  EXPECT_THAT(text, HasSubstr("0.9026 is no share of 396: 357/396 = 0.9015, 358/396 = 0.9040; it is 352/390, 343/380"));
  EXPECT_THAT(text, HasSubstr("the score is 0.8889: -3.28 points"));
  EXPECT_THAT(text, HasSubstr("paired, a loss of 2.98 points (2 lost, 0 won) to 4.56 points (9 lost, 7 won)"));
  EXPECT_THAT(text, HasSubstr("|   0.965|         0.5|   16713|  7423|3 %"));
}

TEST(Article, JsonHoldsTheSameNumbers) {
  const Json json = article_json(recompute_article());
  EXPECT_EQ(json["needed"][0]["n_unpaired"], 4179);
  EXPECT_EQ(json["needed"][2]["n_paired"], 1547);
  EXPECT_NEAR(json["rows"][0]["readings"][0]["z"].get<double>(), -0.5105, 1e-4);
}

}  // namespace
}  // namespace drawbridge
