#include "http/request_parser.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

const RequestLimits kSmall{.max_header_bytes = 512, .max_body_bytes = 100};

struct Outcome {
  int status = 0;  // of the error; 0: none
  std::string message;
  std::optional<HttpRequest> request;
  size_t n_left = 0;
};

/// Feeds the text in pieces of `step` bytes, keeping what is not consumed, as a connection does.
Outcome parse(const std::string& text, size_t step = SIZE_MAX, const RequestLimits& limits = kSmall) {
  RequestParser parser(limits);
  std::string input;
  for (size_t at = 0; at < text.size(); at += std::min(step, text.size() - at)) {
    input += text.substr(at, step);
    input.erase(0, parser.feed(input));
    if (parser.error()) return {parser.error()->status, parser.error()->message, std::nullopt, input.size()};
  }
  Outcome outcome;
  outcome.n_left = input.size();
  if (parser.done()) outcome.request = parser.take();
  return outcome;
}

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

std::string post(const std::string& fields, const std::string& body) {
  return "POST /p HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body;
}

const char* const kChunked = "Transfer-Encoding: chunked\r\n";

TEST(RequestParser, ReadsTheSameWhereverItIsCut) {
  const std::string length = post("Content-Length: 5\r\nX-A: b\r\n", "hello");
  const std::string chunked = post(kChunked, "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n");
  for (const std::string& text : {length, chunked}) {
    for (size_t step = 1; step <= text.size(); ++step) {
      const Outcome outcome = parse(text, step);
      ASSERT_TRUE(outcome.request) << step << " " << outcome.message;
      EXPECT_EQ(outcome.request->method, "POST");
      EXPECT_EQ(outcome.request->path, "/p");
      EXPECT_EQ(outcome.request->body, "hello");
      EXPECT_EQ(outcome.n_left, 0u);
    }
  }
}

TEST(RequestParser, LeavesTheNextRequestAlone) {
  const Outcome outcome = parse(post("Content-Length: 2\r\n", "hiGET /next"));
  ASSERT_TRUE(outcome.request);
  EXPECT_EQ(outcome.n_left, std::string("GET /next").size());
}

TEST(RequestParser, LowersNamesAndKeepsValues) {
  const Outcome outcome = parse(get("/", "X-MiXeD:  Some Value \r\n"));
  ASSERT_TRUE(outcome.request);
  ASSERT_NE(outcome.request->header("x-mixed"), nullptr);
  EXPECT_EQ(*outcome.request->header("x-mixed"), "Some Value");
  EXPECT_EQ(outcome.request->header("absent"), nullptr);
}

TEST(RequestParser, SplitsTheTarget) {
  const auto path_and_query = [](const std::string& target) {
    const Outcome outcome = parse(get(target));
    return outcome.request ? outcome.request->path + " " + outcome.request->query : outcome.message;
  };
  EXPECT_EQ(path_and_query("/v1/models"), "/v1/models ");
  EXPECT_EQ(path_and_query("/a?b=c?d"), "/a b=c?d");
  EXPECT_EQ(path_and_query("http://host:1/a?b"), "/a b");
  EXPECT_EQ(path_and_query("http://host"), "/ ");
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").request->path, "*");
  EXPECT_EQ(parse(get("a/b")).status, 400);
}

TEST(RequestParser, SkipsEmptyLinesBeforeARequest) {
  EXPECT_TRUE(parse("\r\n\r\n" + get("/"), 1).request);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "\r\n";
  EXPECT_EQ(parse(many, 2).status, 431);
}

TEST(RequestParser, RefusesWhatTwoParsersCouldReadDifferently) {
  const std::string chunks = "2\r\nhi\r\n0\r\n\r\n";
  EXPECT_EQ(parse(post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", chunks)).status, 400);
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", chunks)).status, 400);
  EXPECT_EQ(parse(post("Content-Length: 2\r\nContent-Length: 3\r\n", "hi")).status, 400);
  EXPECT_EQ(parse(post("Content-Length: 2\r\nContent-Length: 2\r\n", "hi")).status, 400);
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks)).status, 400);
  EXPECT_EQ(parse(post("Transfer-Encoding: gzip\r\n", chunks)).status, 501);
  EXPECT_EQ(parse(post("Transfer-Encoding: gzip, chunked\r\n", chunks)).status, 501);
  EXPECT_EQ(parse(post("Transfer-Encoding: chunked, identity\r\n", chunks)).status, 501);
  EXPECT_EQ(parse(post("Transfer-Encoding: xchunked\r\n", chunks)).status, 501);
  EXPECT_EQ(parse(post("Transfer-Encoding: \x0b"
                       "chunked\r\n",
                       chunks))
                .status,
            400);
  EXPECT_EQ(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks).status, 400);
}

TEST(RequestParser, RefusesBadLengths) {
  for (const char* length : {"-1", "+2", "0x2", "2 2", "2,3", "", "18446744073709551616", "2a"}) {
    EXPECT_EQ(parse(post("Content-Length: " + std::string(length) + "\r\n", "hi")).status, 400) << length;
  }
}

TEST(RequestParser, RefusesBadChunks) {
  for (const char* body : {"x\r\nhi\r\n0\r\n\r\n", "-2\r\nhi\r\n", "2\r\nhi0\r\n\r\n", "2\nhi\r\n0\r\n\r\n",
                           "\r\nhi\r\n", "2 \r\nhiXX0\r\n\r\n", "2\r\nhi\r\n0\r\nbad trailer\r\n\r\n"}) {
    EXPECT_EQ(parse(post(kChunked, body)).status, 400) << body;
  }
}

TEST(RequestParser, RefusesMalformedHeaders) {
  for (const char* text :
       {"GET /\r\n\r\n", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "G\x01T / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\x01z\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rz\r\n\r\n"}) {
    EXPECT_EQ(parse(text).status, 400) << text;
  }
  EXPECT_EQ(parse("GET / HTTP/2.0\r\nHost: h\r\n\r\n").status, 505);
}

TEST(RequestParser, EnforcesTheHeaderLimitHoweverItArrives) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X-" + std::to_string(i) + ": v\r\n";
  for (const size_t step : {size_t{1}, size_t{7}, size_t{100}, SIZE_MAX}) {
    EXPECT_EQ(parse(get("/", many), step).status, 431) << step;
    EXPECT_EQ(parse(get("/" + std::string(600, 'a')), step).status, 431) << step;
    EXPECT_EQ(parse(get("/", "X: " + std::string(600, 'a') + "\r\n"), step).status, 431) << step;
    EXPECT_EQ(parse(post(kChunked, "1;" + std::string(600, 'a')), step).status, 400) << step;
    EXPECT_EQ(parse(post(kChunked, "0\r\n" + many), step).status, 400) << step;
  }
}

TEST(RequestParser, EnforcesTheBodyLimit) {
  EXPECT_TRUE(parse(post("Content-Length: 100\r\n", std::string(100, 'b'))).request);
  EXPECT_EQ(parse(post("Content-Length: 101\r\n", "")).status, 413);  // before any byte of it
  EXPECT_EQ(parse(post(kChunked, "65\r\n")).status, 413);
  EXPECT_EQ(parse(post(kChunked, "40\r\n" + std::string(64, 'b') + "\r\n40\r\n")).status, 413);
}

TEST(RequestParser, DropsTrailerFields) {
  const Outcome outcome = parse(post(kChunked, "0\r\nAuthorization: Bearer x\r\n\r\n"));
  ASSERT_TRUE(outcome.request) << outcome.message;
  EXPECT_EQ(outcome.request->header("authorization"), nullptr);
}

TEST(RequestParser, KnowsWhoWaitsForContinue) {
  const auto wants = [](const std::string& text) {
    RequestParser parser(kSmall);
    parser.feed(text);
    return parser.wants_continue();
  };
  EXPECT_TRUE(wants(post("Content-Length: 2\r\nExpect: 100-Continue\r\n", "")));
  EXPECT_FALSE(wants(post("Content-Length: 2\r\n", "")));
  EXPECT_FALSE(wants(get("/", "Expect: 100-continue\r\n")));  // no body to wait for
  EXPECT_EQ(parse(post("Content-Length: 2\r\nExpect: else\r\n", "")).status, 417);
}

TEST(RequestParser, KeepsConnectionsAliveByVersionAndField) {
  const auto keeps = [](const std::string& text) {
    RequestParser parser(kSmall);
    parser.feed(text);
    return parser.keep_alive();
  };
  EXPECT_TRUE(keeps(get("/")));
  EXPECT_FALSE(keeps(get("/", "Connection: close\r\n")));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
}

}  // namespace
}  // namespace drawbridge
