#include "bench/samples.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(Samples, MedianAndExtremes) {
  const Spread odd = spread_of({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 3);
  EXPECT_EQ(spread_of({4, 1, 2, 3}).median, 2.5);
}

TEST(Samples, MeanAndDeviation) {
  const Moments moments = moments_of({2, 4, 4, 6});
  EXPECT_EQ(moments.mean, 4);
  EXPECT_DOUBLE_EQ(moments.deviation, 1.6329931618554521);  // sqrt(8 / 3)
  EXPECT_EQ(moments_of({7}).deviation, 0);
}

}  // namespace
}  // namespace drawbridge
