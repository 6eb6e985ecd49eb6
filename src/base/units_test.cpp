#include "base/units.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(Units, Bytes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1500), "1.50 kB");
  EXPECT_EQ(format_bytes(999999), "1.00 MB");
  EXPECT_EQ(format_bytes(755617140416), "755.62 GB");
  EXPECT_EQ(format_bytes(5'000'000'000'000'000), "5000.00 TB");
}

TEST(Units, Counts) {
  EXPECT_EQ(format_count(512), "512");
  EXPECT_EQ(format_count(753329940480), "753.33 B");
}

TEST(Units, Integers) {
  EXPECT_EQ(format_integer(0), "0");
  EXPECT_EQ(format_integer(999), "999");
  EXPECT_EQ(format_integer(118629), "118,629");
  EXPECT_EQ(format_integer(-1234567), "-1,234,567");
  EXPECT_EQ(format_integer(-123), "-123");
}

TEST(Units, Durations) {
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(7500), "2 h 05 min");
}

}  // namespace
}  // namespace drawbridge
