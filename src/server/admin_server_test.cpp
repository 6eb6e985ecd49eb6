#include "server/admin_server.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "server/fake_exchange_test.h"

namespace drawbridge {
namespace {

class AdminServerTest : public testing::Test {
 protected:
  HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = "",
                   HttpHeaders headers = {}) {
    const auto exchange = std::make_shared<FakeExchange>(http_request(method, path, body, std::move(headers)));
    admin_.handle(exchange);
    return exchange->wait();
  }

  int n_drains_ = 0;
  Status reload_;
  const AdminServer admin_{{[this] { ++n_drains_; }, [this] { return reload_; }}};
};

TEST_F(AdminServerTest, Drains) {
  EXPECT_EQ(ask("POST", "/admin/drain").status, 202);
  EXPECT_EQ(n_drains_, 1);
}

TEST_F(AdminServerTest, TellsWhyKeysWereNotReloaded) {
  EXPECT_EQ(ask("POST", "/admin/reload-keys").status, 200);
  reload_ = fail(Code::kInvalidArgument, "keys:3: wanted");
  const HttpResponse bad = ask("POST", "/admin/reload-keys");
  EXPECT_EQ(bad.status, 422);
  EXPECT_NE(bad.body.find("keys:3"), std::string::npos);
}

TEST_F(AdminServerTest, ChangesTheLogLevel) {
  const auto before = spdlog::get_level();
  EXPECT_EQ(ask("PUT", "/admin/log-level", R"({"level": "error"})").status, 200);
  EXPECT_EQ(spdlog::get_level(), spdlog::level::err);
  EXPECT_NE(ask("GET", "/admin/log-level").body.find("error"), std::string::npos);
  for (const char* bad : {"", "[]", "{}", R"({"level": 3})", R"({"level": "loud"})"}) {
    EXPECT_EQ(ask("PUT", "/admin/log-level", bad).status, 400) << bad;
  }
  EXPECT_EQ(spdlog::get_level(), spdlog::level::err);
  spdlog::set_level(before);
}

TEST_F(AdminServerTest, RefusesOtherPathsAndMethods) {
  EXPECT_EQ(ask("GET", "/v1/models").status, 404);
  EXPECT_EQ(ask("GET", "/admin/drain").status, 405);
  EXPECT_EQ(ask("POST", "/admin/drain", "", {{"origin", "http://a.page"}}).status, 403);
  EXPECT_EQ(n_drains_, 0);
}

}  // namespace
}  // namespace drawbridge
