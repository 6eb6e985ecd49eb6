#include "cli/progress_bar.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(ProgressBar, SaysShareRateAndTimeLeft) {
  EXPECT_EQ(progress_line("writing", 0, 4'000'000'000, 0), "writing [........................]   0 %  0 B of 4.00 GB");
  EXPECT_EQ(progress_line("writing", 1'000'000'000, 4'000'000'000, 2),
            "writing [######..................]  25 %  1.00 GB of 4.00 GB  500.00 MB/s, 6 s left");
  EXPECT_NE(progress_line("writing", 999, 1000, 0).find(" 99 %"), std::string::npos);
  EXPECT_EQ(progress_line("writing", 4'000'000'000, 4'000'000'000, 8),
            "writing [########################] 100 %  4.00 GB of 4.00 GB  500.00 MB/s");
}

TEST(ProgressBar, CountsItemsAndTakesTheRateFromThoseOfThisRun) {
  EXPECT_EQ(item_progress_line("sums", {300, 400, 200}, 10, "0.990"),
            "sums [##################......]  75 %  300 of 400  0.990, 10 s left");
  EXPECT_EQ(item_progress_line("sums", {400, 400, 200}, 10, "0.990"),
            "sums [########################] 100 %  400 of 400  0.990");
  EXPECT_EQ(item_progress_line("sums", {200, 400, 200}, 10, "0.990"),
            "sums [############............]  50 %  200 of 400  0.990");
}

}  // namespace
}  // namespace drawbridge
