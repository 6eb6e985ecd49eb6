#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace drawbridge {
namespace {

Result<int> half(int x) {
  if (x % 2 != 0) return fail(Code::kInvalidArgument, "x: wanted an even number, found {}", x);
  return x / 2;
}

Result<int> quarter(int x) {
  DB_ASSIGN(const int once, half(x));
  DB_ASSIGN(const int twice, half(once));
  return twice;
}

Status check_all(int x) {
  DB_TRY(half(x).status());
  return Status();
}

TEST(Result, PassesValuesAndTheFirstFailureUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).status().message(), "x: wanted an even number, found 3");
  EXPECT_TRUE(check_all(2).ok());
  EXPECT_EQ(check_all(1).code(), Code::kInvalidArgument);
}

TEST(Result, HoldsWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> owner = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(owner).value();
  EXPECT_EQ(*taken, 3);
}

TEST(ResultDeathTest, TakingTheValueOfAFailureIsABug) {
  EXPECT_DEATH((void)half(1).value(), "internal error");
}

}  // namespace
}  // namespace drawbridge
