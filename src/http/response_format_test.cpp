#include "http/response_format.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace drawbridge {
namespace {

TEST(ResponseFormat, StatesLengthTypeAndConnection) {
  HttpResponse response;
  response.status = 404;
  response.body = "{}";
  response.headers.emplace_back("X-A", "b");
  const std::string bytes = format_response(response, true);
  EXPECT_EQ(bytes.rfind("HTTP/1.1 404 Not Found\r\nDate: ", 0), 0u) << bytes;
  EXPECT_NE(bytes.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(bytes.find("\r\nContent-Length: 2\r\n"), std::string::npos);
  EXPECT_NE(bytes.find("\r\nConnection: keep-alive\r\n"), std::string::npos);
  EXPECT_NE(bytes.find("\r\nX-A: b\r\n"), std::string::npos);
  EXPECT_EQ(bytes.substr(bytes.size() - 6), "\r\n\r\n{}");
}

TEST(ResponseFormat, HeadStatesTheLengthWithoutTheBody) {
  HttpResponse response;
  response.body = "12345";
  const std::string bytes = format_response(response, false, false);
  EXPECT_NE(bytes.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(bytes.substr(bytes.size() - 4), "\r\n\r\n");
}

TEST(ResponseFormat, NoContentHasNoLength) {
  HttpResponse response;
  response.status = 204;
  EXPECT_EQ(format_response(response, true).find("Content-"), std::string::npos);
}

TEST(ResponseFormat, NoValueStartsAField) {
  HttpResponse response;
  response.headers.emplace_back("X-Fields", "a\r\nSet-Cookie: b");
  EXPECT_NE(format_response(response, true).find("X-Fields: a  Set-Cookie: b\r\n"), std::string::npos);
}

TEST(ResponseFormat, ChunksAreHexAndNeverEmpty) {
  EXPECT_EQ(format_chunk(std::string(17, 'a')), "11\r\naaaaaaaaaaaaaaaaa\r\n");
  EXPECT_EQ(format_chunk(""), "");
}

TEST(ResponseFormat, ErrorsHaveOpenAiShape) {
  const Json body = parse_json(error_response(413, "too \"large\"").body, "body").value();
  const Json wanted = {
      {"message", "too \"large\""}, {"type", "invalid_request_error"}, {"param", nullptr}, {"code", nullptr}};
  EXPECT_EQ(body["error"], wanted);
  EXPECT_EQ(parse_json(error_response(503, "x").body, "body").value()["error"]["type"], "server_error");
}

}  // namespace
}  // namespace drawbridge
