#include "cost/article_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cost/catalog_files.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::Not;

ArticleCost recompute(bool allow_mixed) {
  const auto catalog = Catalog::bundled();
  const auto article = read_cost_article(kArticleJson, "catalog/article.json");
  EXPECT_TRUE(catalog.ok() && article.ok());
  auto cost = recompute_article_cost(*catalog, *article, allow_mixed);
  EXPECT_TRUE(cost.ok()) << cost.status().message();
  return std::move(cost).value();
}

const ComparedBasis& basis(const CostComparison& comparison, const std::string& name) {
  for (const ComparedBasis& row : comparison.bases) {
    if (row.basis == name) return row;
  }
  ADD_FAILURE() << name;
  return comparison.bases.front();
}

struct Expected {
  const char* basis;
  double mi355x, b200, mixed;  // dollars a million output tokens
  double ratio, mixed_ratio;
};

// Worked out by hand from 8 accelerators, 2.4 and 3.0 requests a second and 1,000 tokens a request.
const std::vector<Expected> kExpected = {{"ownership", 1.37, 1.44, 1.73, 1.05, 1.26},
                                         {"3-year", 1.94, 2.15, 2.58, 1.10, 1.33},
                                         {"neocloud-list", 2.73, 4.44, 5.48, 1.63, 2.01},
                                         {"hyperscaler-list", 7.96, 10.37, 11.11, 1.30, 1.40}};

TEST(ArticleCost, LikeForLikeOnEachPriceBasis) {
  const ArticleCost cost = recompute(false);
  EXPECT_FALSE(cost.mixed);
  for (const Expected& e : kExpected) {
    const ComparedBasis& row = basis(cost.like_for_like, e.basis);
    EXPECT_NEAR(row.per_million_output_a, e.mi355x, 0.0051) << e.basis;
    EXPECT_NEAR(row.per_million_output_b, e.b200, 0.0051) << e.basis;
    EXPECT_NEAR(row.by_request, e.ratio, 0.0051) << e.basis;
  }
}

TEST(ArticleCost, TwiceIsReachedOnlyByMixingHardware) {
  const ArticleCost cost = recompute(true);
  ASSERT_TRUE(cost.mixed);
  for (const Expected& e : kExpected) {
    const ComparedBasis& row = basis(*cost.mixed, e.basis);
    EXPECT_NEAR(row.per_million_output_b, e.mixed, 0.0051) << e.basis;
    EXPECT_NEAR(row.by_request, e.mixed_ratio, 0.0051) << e.basis;
  }
  for (const ComparedBasis& row : cost.like_for_like.bases) EXPECT_LT(row.by_request, 2) << row.basis;
}

TEST(ArticleCost, PerJouleTheBaselineIsBetter) {
  const ArticleCost cost = recompute(false);
  ASSERT_TRUE(cost.like_for_like.energy_a && cost.like_for_like.energy_b);
  EXPECT_NEAR(cost.like_for_like.energy_a->output_per_kilojoule, 214, 0.5);
  EXPECT_NEAR(cost.like_for_like.energy_b->output_per_kilojoule, 375, 0.5);
}

TEST(ArticleCost, TextNamesTheMixOnlyWhenAskedTo) {
  const std::string plain = article_cost_text(recompute(false));
  EXPECT_THAT(plain, HasSubstr("costs 0.99 to 1.63 times one on MI355X"));
  EXPECT_THAT(plain, HasSubstr("--allow-mixed-hardware shows what it gives"));
  EXPECT_THAT(plain, HasSubstr("MI355X 214, B200 375: 1.75x better on B200"));
  EXPECT_THAT(plain, Not(HasSubstr("mixed ratio")));
  const std::string mixed = article_cost_text(recompute(true));
  EXPECT_THAT(mixed, HasSubstr("mixed ratio"));
  EXPECT_THAT(mixed, HasSubstr("2.0x needs B300's price over B200's throughput"));
}

TEST(ArticleCost, RefusesAnArticleWithoutDate) {
  const auto article = read_cost_article(R"({"title": "t", "source": "s", "mark": "published"})", "a.json");
  ASSERT_FALSE(article.ok());
  EXPECT_THAT(article.status().message(), HasSubstr("a.json: wanted a \"date\", found none"));
}

}  // namespace
}  // namespace drawbridge
