#include "eval/tau2/arithmetic.h"

#include <gtest/gtest.h>

#include "eval/tau2/python_values.h"

namespace drawbridge::tau2 {
namespace {

std::string value_of(const std::string& expression) {
  const Result<std::string> value = calculate(expression);
  return value.ok() ? *value : "! " + value.status().message();
}

TEST(Calculate, PrintsWhatPythonPrints) {
  EXPECT_EQ(value_of("2 + 2"), "4.0");
  EXPECT_EQ(value_of("2+3*4-1"), "13.0");
  EXPECT_EQ(value_of("(2 + 3) * -4"), "-20.0");
  EXPECT_EQ(value_of("-2 ** 2"), "-4.0");
  EXPECT_EQ(value_of("2 ** 3 ** 2"), "512.0");
  EXPECT_EQ(value_of("2 ** -1"), "0.5");
  EXPECT_EQ(value_of("7 // 2 * 1.5"), "4.5");
  EXPECT_EQ(value_of("-7 // 2"), "-4.0");
  EXPECT_EQ(value_of("1 / 3"), "0.33");
  EXPECT_EQ(value_of("2.675 * 1"), "2.67");  // the double lies below
  EXPECT_EQ(value_of("0.125"), "0.12");      // a tie goes to the even digit
  EXPECT_EQ(value_of("1."), "1.0");
  EXPECT_EQ(value_of(".5 - 1"), "-0.5");
  EXPECT_EQ(value_of("0 * -1.0"), "-0.0");
}

TEST(Calculate, RefusesWhatPythonRefuses) {
  for (const char* expression : {"", "2 +", "2 2", "1.2.3", "()", "(1", "1)", ".", "*2", "1 . 5"}) {
    EXPECT_EQ(value_of(expression), "! invalid syntax (<string>, line 1)") << expression;
  }
  EXPECT_EQ(value_of("x"), "! Invalid characters in expression");
  EXPECT_EQ(value_of("1 / 0"), "! division by zero");
  EXPECT_EQ(value_of("1.0 / 0"), "! float division by zero");
  EXPECT_EQ(value_of("1 // 0"), "! integer division or modulo by zero");
  EXPECT_EQ(value_of("007").substr(0, 15), "! leading zeros");
}

TEST(Calculate, BoundsSizeAndDepth) {
  EXPECT_EQ(value_of("9 ** 99"), "! integer beyond 2**53 in expression");
  EXPECT_EQ(value_of("9.0 ** 9999"), "! result too large");
  EXPECT_EQ(value_of(std::string(1000000, '(')), "! too many nested parentheses");
  EXPECT_EQ(value_of(std::string(1000000, '-') + "1"), "! too many nested parentheses");
}

TEST(PythonValues, AreEqualInAnyOrderOfTheirMembers) {
  const Json one = {{"a", 1}, {"b", {{"c", 2}, {"d", 3}}}};
  const Json other = {{"b", {{"d", 3}, {"c", 2.0}}}, {"a", 1}};
  EXPECT_TRUE(python_equal(one, other));
  EXPECT_FALSE(python_equal(one, {{"a", 1}, {"b", {{"c", 2}}}}));
}

TEST(PythonValues, AreWrittenInAscii) {
  EXPECT_EQ(python_dumps(Json({{"é", "\U0001f600\x7f"}, {"b", {1, 2.0, nullptr, true}}})),
            R"({"\u00e9": "\ud83d\ude00\u007f", "b": [1, 2.0, null, true]})");
}

}  // namespace
}  // namespace drawbridge::tau2
