#include "eval/tasks/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(std::string_view text) {
  const auto table = parse_csv(text, "t.csv");
  return table.ok() ? "accepted" : table.status().message();
}

TEST(Csv, ReadsPlainAndQuotedFields) {
  const auto table = parse_csv(
      "\xef\xbb\xbf"
      "a,b\r\n1,\"two, \"\"2\"\"\nlines\"\r\n,\n\"\",x",
      "t.csv");
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_THAT(table->columns, ElementsAre("a", "b"));
  ASSERT_EQ(table->rows.size(), 3u);
  EXPECT_THAT(table->rows[0].fields, ElementsAre("1", "two, \"2\"\nlines"));
  EXPECT_THAT(table->rows[1].fields, ElementsAre("", ""));
  EXPECT_THAT(table->rows[2].fields, ElementsAre("", "x"));
  EXPECT_EQ(table->rows[1].line, 4);
  EXPECT_EQ(table->column("b", "t.csv").value(), 1u);
  EXPECT_THAT(table->column("c", "t.csv").status().message(), HasSubstr("wanted a column \"c\", found a, b"));
}

TEST(Csv, NamesTheLineThatIsWrong) {
  EXPECT_THAT(refusal(""), HasSubstr("found nothing"));
  EXPECT_THAT(refusal("a,b\n1,2\n3\n"), HasSubstr("t.csv:3: wanted 2 fields as in the heading, found 1"));
  EXPECT_THAT(refusal("a,b\n1,\"2\n3\n"), HasSubstr("t.csv:2: not valid CSV: found a quote that is never closed"));
  EXPECT_THAT(refusal("a\n1\"2\n"), HasSubstr("t.csv:2: not valid CSV: found a quote inside a field"));
  EXPECT_THAT(refusal("a\n\"1\"2\n"), HasSubstr("t.csv:2: not valid CSV: found text behind a closing quote"));
  EXPECT_THAT(refusal("a\n1\n\xff\n"), HasSubstr("t.csv:3: wanted UTF-8"));
  EXPECT_THAT(refusal("a,a\n1,2\n"), HasSubstr("column \"a\" stands twice"));
  EXPECT_THAT(refusal(std::string(5000, ',')), HasSubstr("more than 1024 columns"));
}

}  // namespace
}  // namespace drawbridge
