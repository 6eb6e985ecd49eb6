#include "kv/tier_index.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(TierIndex, GivesTheLongestUnusedSlotAway) {
  TierIndex tier(2);
  EXPECT_EQ(tier.place("a"), 0);
  EXPECT_EQ(tier.place("b"), 1);
  EXPECT_EQ(tier.place("a"), std::nullopt) << "it is there";
  EXPECT_EQ(tier.place("c"), 1) << "b was unused for longer than a";
  EXPECT_EQ(tier.find("b"), std::nullopt);
  EXPECT_EQ(tier.find("a"), 0);
  tier.forget(0);
  EXPECT_EQ(tier.find("a"), std::nullopt);
  EXPECT_TRUE(tier.check_integrity().ok());
  EXPECT_EQ(TierIndex(0).place("a"), std::nullopt);
}

TEST(TierIndex, GoesOnFromWhatWasThere) {
  TierIndex tier(3);
  tier.restore("old", 2);
  tier.restore("older", 0);
  EXPECT_EQ(tier.find("older"), 0);
  EXPECT_EQ(tier.place("new"), 1);
  EXPECT_EQ(tier.place("next"), 2) << "the slot of the longest unused";
  EXPECT_TRUE(tier.check_integrity().ok());
}

TEST(TierIndex, NamesDependOnDomainAndEveryTokenBefore) {
  const std::vector<int32_t> a = {1, 2}, b = {1, 3};
  const std::string first = page_key(first_page_parent(1), a);
  EXPECT_NE(first, page_key(first_page_parent(2), a));
  EXPECT_NE(first, page_key(first_page_parent(1), b));
  EXPECT_NE(page_key(first, a), page_key(page_key(first_page_parent(1), b), a));
}

}  // namespace
}  // namespace drawbridge
