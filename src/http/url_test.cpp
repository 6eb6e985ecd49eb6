#include "http/url.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

std::string parts(std::string_view text) {
  const auto url = parse_url(text);
  return url.ok() ? url->host + " " + std::to_string(url->port) + " " + url->target : url.status().message();
}

TEST(Url, SplitsIntoItsParts) {
  EXPECT_EQ(parts("http://localhost"), "localhost 80 /");
  EXPECT_EQ(parts("http://localhost:8000"), "localhost 8000 /");
  EXPECT_EQ(parts("http://127.0.0.1:8000/v1/models?x=1#top"), "127.0.0.1 8000 /v1/models?x=1");
  EXPECT_EQ(parts("http://h?x"), "h 80 /?x");
  EXPECT_EQ(parts("http://[::1]:80/a"), "::1 80 /a");
  EXPECT_EQ(parts("http://[::1]"), "::1 80 /");
}

TEST(Url, GivesTheAuthorityBack) {
  EXPECT_EQ(parse_url("http://h:1/x")->authority(), "h:1");
  EXPECT_EQ(parse_url("http://[::1]")->authority(), "[::1]:80");
}

TEST(Url, RefusesOthersByName) {
  for (const char* text :
       {"", "localhost:80", "https://h", "HTTP//h", "http://", "http:///path", "http://:80", "http://h:", "http://h:0",
        "http://h:65536", "http://h:8a", "http://h:-1", "http://[::1", "http://[::1]x", "http://user@h/",
        "http://h/a b", "http://h/\r\nX: y", "http://h/\xc3\xa4"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.status().code(), Code::kInvalidArgument);
    EXPECT_NE(url.status().message().find("'" + std::string(text) + "'"), std::string::npos);
  }
}

}  // namespace
}  // namespace drawbridge
