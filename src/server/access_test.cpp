#include "server/access.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

bool opens(const HttpHeaders& headers, const std::vector<std::string>& keys = {"one", "two"}) {
  HttpRequest request;
  request.headers = headers;
  return has_access(request, keys);
}

TEST(Access, TakesAnyKeyInEitherHeader) {
  EXPECT_TRUE(opens({{"authorization", "Bearer one"}}));
  EXPECT_TRUE(opens({{"authorization", "bearer two"}}));
  EXPECT_TRUE(opens({{"x-api-key", "two"}}));
  EXPECT_TRUE(opens({{"authorization", "Basic abc"}, {"x-api-key", "one"}}));
}

TEST(Access, RefusesEverythingElse) {
  EXPECT_FALSE(opens({}));
  EXPECT_FALSE(opens({{"authorization", "one"}}));
  EXPECT_FALSE(opens({{"authorization", "Bearer on"}}));
  EXPECT_FALSE(opens({{"authorization", "Bearer onE"}}));
  EXPECT_FALSE(opens({{"authorization", "Bearer "}}));
  EXPECT_FALSE(opens({{"x-api-key", "one "}}));
}

TEST(Access, IsOpenWithoutKeys) {
  EXPECT_TRUE(opens({}, {}));
  EXPECT_TRUE(opens({{"authorization", "Bearer whatever"}}, {}));
}

}  // namespace
}  // namespace drawbridge
