// Fields come with a type and a range, and every refusal starts with the field's path.
#include "server/fields.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

Json json(const std::string& text) {
  auto parsed = parse_json(text, "test");
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return std::move(parsed).value();
}

TEST(Fields, AbsentAndNullKeepTheDefault) {
  const Json object = json(R"({"b":null})");
  Fields fields(object);
  bool a = true;
  float b = 0.5f;
  EXPECT_TRUE(fields.read("a", a).ok());
  EXPECT_TRUE(fields.read("b", b).ok());
  EXPECT_TRUE(a);
  EXPECT_EQ(b, 0.5f);
}

TEST(Fields, RefuseWrongTypesByPath) {
  const Json object = json(R"({"a":"yes","b":[1],"c":1e300,"d":1.5,"e":18446744073709551615,"f":9})");
  Fields fields(object, "outer.");
  bool flag = false;
  float number = 0;
  int64_t integer = 0;
  std::string text;
  EXPECT_EQ(fields.read("a", flag).message(), "outer.a: wanted true or false, found \"yes\"");
  EXPECT_EQ(fields.read("b", text).message(), "outer.b: wanted a string, found array");
  EXPECT_EQ(fields.read("c", number).message(), "outer.c: wanted a number, found 1e+300");
  EXPECT_EQ(fields.read("d", integer, 0, 9).message(), "outer.d: wanted an integer from 0 to 9, found 1.5");
  EXPECT_FALSE(fields.read("e", integer).ok());
  EXPECT_FALSE(fields.read("f", integer, 0, 8).ok());
}

TEST(Fields, TakesWholeFloatsAsIntegers) {
  const Json object = json(R"({"n":5.0})");
  Fields fields(object);
  int64_t n = 0;
  EXPECT_TRUE(fields.read("n", n).ok());
  EXPECT_EQ(n, 5);
}

TEST(Fields, BoundsLists) {
  const Json object = json(R"({"ids":[1,2,3],"bad":[1,-2]})");
  Fields fields(object);
  std::vector<int32_t> ids;
  EXPECT_EQ(fields.read("ids", ids, 2).message(), "ids: wanted at most 2 entries, found 3");
  EXPECT_EQ(fields.read("bad", ids, 9).message(), "bad[1]: wanted an integer from 0 to 2147483647, found -2");
}

TEST(Fields, KnowWhatNobodyRead) {
  const Json object = json(R"({"z":1,"a":2,"m":3})");
  Fields fields(object);
  fields.take("a");
  EXPECT_EQ(fields.unread(), (std::vector<std::string>{"z", "m"}));
}

}  // namespace
}  // namespace drawbridge
