#include "kv/page_pool.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(PagePool, HandsOutEachPageOnce) {
  PagePool pool(2);
  const std::vector<int32_t> pages = {*pool.take(), *pool.take()};
  EXPECT_NE(pages[0], pages[1]);
  EXPECT_FALSE(pool.take().has_value());
  pool.release(pages);
  EXPECT_EQ(pool.n_free(), 2);
}

TEST(PagePool, IntegrityFindsLeaksDoubleOwnersAndStrangers) {
  PagePool pool(3);
  const int32_t a = *pool.take(), b = *pool.take();
  EXPECT_TRUE(pool.check_integrity(std::vector{a, b}).ok());
  EXPECT_NE(pool.check_integrity(std::vector{a}).message().find("1 leaked"), std::string::npos);
  EXPECT_NE(pool.check_integrity(std::vector{a, a}).message().find("two owners"), std::string::npos);
  EXPECT_NE(pool.check_integrity(std::vector{a, 2}).message().find("not handed out"), std::string::npos);
}

TEST(PagePoolDeathTest, ReleasingTwiceIsABug) {
  PagePool pool(1);
  const std::vector<int32_t> page = {*pool.take()};
  pool.release(page);
  EXPECT_DEATH(pool.release(page), "internal error");
}

}  // namespace
}  // namespace drawbridge
