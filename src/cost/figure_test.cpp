#include "cost/figure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::HasSubstr;

const Provenance kOuter{"https://example.org/list", "2026-09-19", "list", ""};

std::string refusal(const char* text, const Provenance& outer = kOuter) {
  const auto json = parse_json(text, "test");
  const auto figure = read_figure(*json, "price", outer, "prices.json: own");
  return figure.ok() ? "accepted" : figure.status().message();
}

TEST(Figure, TakesFromTheObjectAroundItWhatItDoesNotSayItself) {
  const auto json =
      parse_json(R"({"price": 2.95, "quote": {"value": 3, "date": "2026-08", "note": "a quote"}})", "test");
  const auto plain = read_figure(*json, "price", kOuter, "here");
  ASSERT_TRUE(plain.ok()) << plain.status().message();
  EXPECT_EQ(plain->value, 2.95);
  EXPECT_EQ(plain->from.source, kOuter.source);
  EXPECT_EQ(plain->from.date, "2026-09-19");
  const auto quote = read_figure(*json, "quote", kOuter, "here");
  ASSERT_TRUE(quote.ok()) << quote.status().message();
  EXPECT_EQ(quote->from.source, kOuter.source);
  EXPECT_EQ(quote->from.date, "2026-08");
  EXPECT_EQ(quote->from.note, "a quote");
}

TEST(Figure, IsRefusedWithoutSourceOrDate) {
  EXPECT_EQ(refusal(R"({"price": 2.95})", {"", "2026-09-19", "list", ""}),
            "prices.json: own: price: wanted a \"source\", found none: a figure without one is not used");
  EXPECT_EQ(refusal(R"({"price": 2.95})", {"a page", "", "list", ""}),
            "prices.json: own: price: wanted a \"date\", found none: a figure without one is not used");
  EXPECT_THAT(refusal(R"({"price": {"value": 2.95, "date": "September"}})"),
              HasSubstr("price: date: wanted YYYY-MM-DD or YYYY-MM, found \"September\""));
  EXPECT_THAT(refusal(R"({"price": {"value": 2.95, "mark": "guessed"}})"),
              HasSubstr("mark: wanted published, list, measured, inferred or user, found \"guessed\""));
}

TEST(Figure, IsRefusedUnlessItIsANumberAboveZero) {
  EXPECT_THAT(refusal(R"({"price": 0})"), HasSubstr("price: wanted a number above 0, found 0"));
  EXPECT_THAT(refusal(R"({"price": "2.95"})"), HasSubstr("\"price\": wanted a number, found \"2.95\""));
  EXPECT_THAT(refusal(R"({"price": {"date": "2026-09"}})"), HasSubstr("member \"value\" is missing"));
}

TEST(Figure, DatesAreOfTheCalendar) {
  for (const char* date : {"2026-09-19", "2026-09", "2024-02-29"}) EXPECT_TRUE(is_date(date)) << date;
  for (const char* date : {"", "2026", "2026-13", "2026-02-29", "2026-09-31", "19-09-2026", "2026/09/19", "2026-9-1"}) {
    EXPECT_FALSE(is_date(date)) << date;
  }
}

}  // namespace
}  // namespace drawbridge
