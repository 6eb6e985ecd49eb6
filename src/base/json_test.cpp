#include "base/json.h"

#include <gtest/gtest.h>

#include "base/json_path.h"

namespace drawbridge {
namespace {

TEST(Json, KeepsTheCallersKeyOrder) {
  const auto parsed = parse_json(R"({"z":1,"a":[true,null]})", "body");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(dump_json(*parsed), R"({"z":1,"a":[true,null]})");
}

TEST(Json, APathEndsWhereAPartIsOfAnotherKind) {
  const Json json = parse_json(R"({"error":["bad"],"data":[{"id":"nano"}],"info":{"n":1}})", "body").value();
  EXPECT_EQ(text_at(json, {"data", "0", "id"}), "nano");
  EXPECT_EQ(value_at(json, {"info", "n"}), 1);
  EXPECT_EQ(text_at(json, {"info", "n"}), "");
  EXPECT_TRUE(value_at(json, {"error", "message"}).is_null());
  EXPECT_TRUE(value_at(json, {"data", "0", "name"}).is_null());
  EXPECT_TRUE(value_at(json, {"info", "0"}).is_null());
  EXPECT_TRUE(value_at(Json::array(), {"0"}).is_null());
  EXPECT_TRUE(value_at(Json(3), {"n"}).is_null());
}

TEST(Json, RefusesDepthBeforeBuildingATree) {
  const std::string deep(100000, '[');
  const auto parsed = parse_json(deep, "body");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), Code::kOutOfRange);
  EXPECT_NE(parsed.status().message().find("body"), std::string::npos);
}

TEST(Json, RefusesManyKeysBeforeBuildingATree) {
  std::string many = "{";
  for (int i = 0; i < 80000; ++i) many += fmt::format("\"{}\":0,", i);
  many += "\"last\":0}";
  const Status refused = parse_json(many, "body").status();
  EXPECT_EQ(refused.code(), Code::kOutOfRange);
  EXPECT_EQ(refused.message(), "body: JSON has 80001 keys in one object, more than the limit of 1024");
  const JsonLimits two_in_all{.max_keys = 2};
  EXPECT_TRUE(parse_json(R"([{"a":":::"},{"b":1}])", "body", two_in_all).ok());
  EXPECT_FALSE(parse_json(R"([{"a":1},{"b":1},{"c":1}])", "body", two_in_all).ok());
}

TEST(Json, BracketsInsideStringsDoNotNest) {
  const auto parsed = parse_json(R"({"a":"[[[[\"[[[["})", "body", {.max_depth = 1});
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
}

TEST(Json, RefusesSizeAndSyntaxByName) {
  EXPECT_EQ(parse_json("[1,2]", "f.json", {.max_bytes = 4}).status().code(), Code::kOutOfRange);
  const Status broken = parse_json("{\"a\":", "f.json").status();
  EXPECT_EQ(broken.code(), Code::kCorrupt);
  EXPECT_EQ(broken.message().rfind("f.json:", 0), 0u);
}

TEST(SortedJson, AKeyMayStandInTwoObjectsButNotTwiceInOne) {
  EXPECT_TRUE(parse_sorted_json(R"([{"a":1},{"a":{"a":2}}])", "f").ok());
  const Status twice = parse_sorted_json(R"({"x":[{"a":1,"b":{"a":2},"a":3}]})", "f").status();
  EXPECT_EQ(twice.code(), Code::kCorrupt);
  EXPECT_NE(twice.message().find("key \"a\" stands twice"), std::string::npos) << twice.message();
  EXPECT_FALSE(parse_sorted_json(R"({"":1,"":2})", "f").ok());
}

TEST(SortedJson, KeepsTheLimits) {
  EXPECT_EQ(parse_sorted_json("[[1]]", "f", {.max_depth = 1}).status().code(), Code::kOutOfRange);
  EXPECT_EQ(parse_sorted_json("{\"a\":", "f").status().code(), Code::kCorrupt);
}

TEST(Json, DumpReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(dump_json(Json("a\xff")), "\"a\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace drawbridge
