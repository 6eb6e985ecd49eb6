#include "http/response_parser.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

struct Outcome {
  Status error;
  int status = 0;
  std::string body;
  bool done = false;
  HttpHeaders headers;
};

/// Feeds the text in pieces; then, if it is not done, the end of the connection.
Outcome parse(const std::string& text, size_t step = SIZE_MAX, bool to_head = false) {
  ResponseParser parser(1000, to_head);
  Outcome outcome;
  for (size_t at = 0; at < text.size() && outcome.error.ok(); at += std::min(step, text.size() - at)) {
    outcome.error = parser.feed(text.substr(at, step), outcome.body);
  }
  if (outcome.error.ok() && !parser.done()) outcome.error = parser.feed_end();
  outcome.done = parser.done();
  outcome.status = parser.status();
  if (parser.header_done()) outcome.headers = parser.headers();
  return outcome;
}

TEST(ResponseParser, ReadsTheSameWhereverItIsCut) {
  const std::string head = "HTTP/1.1 200 OK\r\nX-Name: Value\r\n";
  for (const std::string& text : {head + "Content-Length: 5\r\n\r\nhello", head + "\r\nhello",
                                  head + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"}) {
    for (size_t step = 1; step <= text.size(); ++step) {
      const Outcome outcome = parse(text, step);
      ASSERT_TRUE(outcome.done) << step << " " << outcome.error.message();
      EXPECT_EQ(outcome.status, 200);
      EXPECT_EQ(outcome.body, "hello");
      EXPECT_EQ(*find_header(outcome.headers, "x-name"), "Value");
    }
  }
}

TEST(ResponseParser, SkipsInterimResponses) {
  const Outcome outcome = parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 1);
  EXPECT_TRUE(outcome.done);
  EXPECT_EQ(outcome.status, 201);
}

TEST(ResponseParser, KnowsWhatHasNoBody) {
  EXPECT_TRUE(parse("HTTP/1.1 204 No Content\r\n\r\n").done);
  EXPECT_TRUE(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").done);
  EXPECT_TRUE(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", SIZE_MAX, true).done);
}

TEST(ResponseParser, AnEndInTheMiddleIsAnError) {
  for (const char* text : {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    EXPECT_EQ(parse(text).error.code(), Code::kUnavailable) << text;
  }
}

TEST(ResponseParser, RefusesWhatIsNotHttp) {
  EXPECT_EQ(parse("SSH-2.0-OpenSSH\r\n\r\n").error.code(), Code::kCorrupt);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").error.code(), Code::kCorrupt);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x'), 10).error.code(), Code::kOutOfRange);
}

}  // namespace
}  // namespace drawbridge
