#include "api/script.h"

#include <gtest/gtest.h>

namespace drawbridge::api {
namespace {

TEST(ApiScript, ReadsRequestsAndExpectations) {
  const auto script = parse_script(
      "# What it is about\n"
      "server --api-key secret\n"
      "\n"
      "request POST /v1/x\n"
      "authorization: Bearer secret\n"
      "{\"a\": 1,\n"
      " \"b\": 2}\n"
      "----\n"
      "expect status 200\n"
      "expect json /a/b == \"x y\"\n"
      "expect event -1 /usage exists\n"
      "save id json /id\n"
      "\n"
      "# A comment.\n"
      "request GET /v1/${id}\n"
      "----\n"
      "expect status 404\n",
      "f.test");
  ASSERT_TRUE(script.ok()) << script.status().message();
  EXPECT_EQ(script->title, "What it is about");
  EXPECT_EQ(script->server_arguments, (std::vector<std::string>{"--api-key", "secret"}));
  ASSERT_EQ(script->steps.size(), 2u);
  const Step& first = script->steps[0];
  EXPECT_EQ(first.method + first.target, "POST/v1/x");
  EXPECT_EQ(first.headers, (HttpHeaders{{"authorization", "Bearer secret"}}));
  EXPECT_EQ(first.body, "{\"a\": 1,\n \"b\": 2}");
  ASSERT_EQ(first.checks.size(), 4u);
  EXPECT_EQ(first.checks[1].subject.name, "/a/b");
  EXPECT_EQ(first.checks[1].operation, "==");
  EXPECT_EQ(first.checks[1].value, "\"x y\"");
  EXPECT_EQ(first.checks[2].subject.index, -1);
  EXPECT_EQ(first.checks[3].operation, "");
  EXPECT_EQ(script->steps[1].line, 15);
}

TEST(ApiScript, NamesFileAndLineOfWhatIsWrong) {
  const std::string request = "# T\nrequest GET /\n----\n";
  const std::vector<std::pair<std::string, int>> cases = {
      {"request GET /\n----\nexpect status 200\n", 3},  // no title
      {"# T\n", 1},
      {"# T\nreqest GET /\n", 2},
      {"# T\nrequest GET\n", 2},
      {"# T\nexpect status 200\n", 2},
      {"# T\nrequest GET /\n", 2},
      {request + "expect json /a == 1\n", 2},  // no status: the request's line
      {request + "expect stats 200\n", 4},
      {request + "expect status ok\n", 4},
      {request + "expect json /a = 1\n", 4},
      {request + "expect json /a ==\n", 4},
      {request + "expect json /a exists 1\n", 4},
      {request + "expect event first /a == 1\n", 4},
      {request + "expect status 200\nserver --x\n", 5},
      {request + "check status 200\n", 4},
  };
  for (const auto& [text, line] : cases) {
    const auto script = parse_script(text, "f.test");
    ASSERT_FALSE(script.ok()) << text;
    EXPECT_EQ(script.status().message().rfind("f.test:" + std::to_string(line) + ": ", 0), 0u)
        << text << script.status().message();
  }
}

}  // namespace
}  // namespace drawbridge::api
