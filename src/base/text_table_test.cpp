#include "base/text_table.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(TextTable, TextIsFlushLeftNumbersFlushRight) {
  TextTable table({"<part", "bytes", "<note"});
  table.add({"a", "1", ""});
  table.add_rule();
  table.add({"total", "12345678", "x"});
  EXPECT_EQ(table.text(),
            "part      bytes  note\n"
            "---------------------\n"
            "a             1\n"
            "---------------------\n"
            "total  12345678  x\n");
}

}  // namespace
}  // namespace drawbridge
