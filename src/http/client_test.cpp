// The client against our own server and against rude ones.
#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "http/raw_listener.h"
#include "http/server.h"

namespace drawbridge {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Url local(uint16_t port, const std::string& target = "/") {
  return {"127.0.0.1", port, target};
}

std::unique_ptr<HttpServer> serve(Handler handler) {
  auto server = HttpServer::start({}, std::move(handler));
  DB_CHECK(server.ok());
  return std::move(server).value();
}

/// Sends three events and a comment, or as many as are wanted.
void stream_events(const std::shared_ptr<Exchange>& exchange) {
  HttpResponse head;
  head.content_type = "text/event-stream; charset=utf-8";
  exchange->start_stream(head);
  for (const char* data : {"one", "two", "[DONE]"}) exchange->write(": ping\n\n" + format_sse(data));
  exchange->end_stream();
}

TEST(HttpClient, SendsAndReceivesWholeMessages) {
  const auto server = serve([](const std::shared_ptr<Exchange>& exchange) {
    const HttpRequest& request = exchange->request();
    HttpResponse response;
    response.status = 201;
    response.body = request.method + request.path + "?" + request.query + *request.header("x-a") + request.body;
    response.headers.emplace_back("X-B", "c");
    exchange->respond(std::move(response));
  });
  HttpClientRequest request;
  request.method = "POST";
  request.headers.emplace_back("X-A", "b");
  request.body = std::string(100'000, 'x');
  const auto response = http_request(local(server->port(), "/path?query"), request);
  ASSERT_TRUE(response.ok()) << response.status().message();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(*response->header("x-b"), "c");
  EXPECT_EQ(response->body, "POST/path?queryb" + request.body);
}

TEST(HttpClient, SendsNoHeaderThatHoldsAnother) {
  const auto server = serve([](const std::shared_ptr<Exchange>& exchange) { exchange->respond({}); });
  for (const char* key : {"k\r\nX-Admin: 1", "k\n", "k\r"}) {
    HttpClientRequest request;
    request.headers.emplace_back("Authorization", key);
    const auto response = http_request(local(server->port()), request);
    ASSERT_FALSE(response.ok());
    EXPECT_EQ(response.status().code(), Code::kInvalidArgument);
    EXPECT_THAT(response.status().message(), HasSubstr("header Authorization: wanted a value of one line"));
  }
}

TEST(HttpClient, GivesEventsOneByOne) {
  const auto server = serve(stream_events);
  std::vector<std::string> data;
  const auto response = http_request(local(server->port()), {}, [&](const SseEvent& event) {
    data.push_back(event.data);
    return true;
  });
  ASSERT_TRUE(response.ok()) << response.status().message();
  EXPECT_EQ(data, (std::vector<std::string>{"one", "two", "[DONE]"}));
  EXPECT_EQ(response->body, "");
}

TEST(HttpClient, StopsWhenTheCallbackSaysSo) {
  const auto server = serve(stream_events);
  int n_events = 0;
  const auto response = http_request(local(server->port()), {}, [&](const SseEvent&) { return ++n_events < 2; });
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(n_events, 2);
}

TEST(HttpClient, KeepsTheBodyOfAnErrorThoughEventsWereWanted) {
  const auto server = serve([](const std::shared_ptr<Exchange>& exchange) {
    HttpResponse response;
    response.status = 400;
    response.body = "{\"error\":{}}";
    exchange->respond(std::move(response));
  });
  const auto response = http_request(local(server->port()), {}, [](const SseEvent&) { return true; });
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(response->body, "{\"error\":{}}");
}

TEST(HttpClient, BoundsTheBodyAndEachEvent) {
  RawListener listener("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: " + std::string(5000, 'x'));
  HttpClientRequest request;
  request.max_body_bytes = 1000;
  EXPECT_EQ(http_request(local(listener.port()), request).status().code(), Code::kOutOfRange);
  const auto events = http_request(local(listener.port()), request, [](const SseEvent&) { return true; });
  EXPECT_EQ(events.status().code(), Code::kOutOfRange);
}

TEST(HttpClient, NamesTheServerInItsErrors) {
  HttpClientRequest request;
  request.read_timeout = 50ms;
  const auto check = [&](uint16_t port, Code code, const std::string& words) {
    const Status status = http_request(local(port), request).status();
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_EQ(status.message().rfind("127.0.0.1:" + std::to_string(port) + ": ", 0), 0u) << status.message();
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  };
  RawListener silent("", RawListener::After::kWait);
  check(silent.port(), Code::kUnavailable, "nothing happened for 50 ms");
  RawListener cut("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  check(cut.port(), Code::kUnavailable, "in the middle");
  RawListener other("SSH-2.0-OpenSSH\r\n\r\n");
  check(other.port(), Code::kCorrupt, "malformed");
  const uint16_t closed = [] { return RawListener("").port(); }();
  check(closed, Code::kUnavailable, "cannot connect");
}

TEST(HttpClient, NamesAHostThatDoesNotExist) {
  const Status status = http_request({"no.such.host.invalid", 80, "/"}, {}).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("no.such.host.invalid:80"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace drawbridge
