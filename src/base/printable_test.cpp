#include "base/printable.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(Printable, LeavesNoControlCharacter) {
  EXPECT_EQ(printable("a\x1b[2J\r\nb\x7f"), "a [2J  b ");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "  31m");
  EXPECT_EQ(printable("é ü 漢"), "é ü 漢");
  EXPECT_EQ(printable("\xc2"), "\xc2");
}

}  // namespace
}  // namespace drawbridge
