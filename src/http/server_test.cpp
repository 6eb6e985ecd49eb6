// The server over loopback: framing, limits, timeouts, disconnects, shutdown.
#include "http/server.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/scratch_test.h"
#include "http/raw_peer.h"

namespace drawbridge {
namespace {

using namespace std::chrono_literals;

constexpr auto kForever = std::chrono::seconds(60);  // longer than anything here takes when it works

/// A server whose handler is a test's own.
class TestServer {
 public:
  explicit TestServer(Handler handler, HttpServerOptions options = {}) {
    auto started = HttpServer::start(options, std::move(handler));
    DB_CHECK(started.ok());
    server_ = std::move(started).value();
  }
  HttpServer* operator->() { return server_.get(); }
  uint16_t port() const { return server_->port(); }

 private:
  std::unique_ptr<HttpServer> server_;
};

/// Answers with what it was asked.
void echo(const std::shared_ptr<Exchange>& exchange) {
  const HttpRequest& request = exchange->request();
  HttpResponse response;
  response.body = request.method + " " + request.path + " " + request.body;
  exchange->respond(std::move(response));
}

/// Keeps the exchanges for the test to answer from its own thread.
class Desk {
 public:
  Handler handler() {
    return [this](std::shared_ptr<Exchange> exchange) {
      const std::lock_guard lock(mutex_);
      exchanges_.push_back(std::move(exchange));
      came_.notify_all();
    };
  }
  std::shared_ptr<Exchange> next() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return !exchanges_.empty(); });
    const auto exchange = exchanges_.front();
    exchanges_.erase(exchanges_.begin());
    return exchange;
  }
  size_t n_waiting() {
    const std::lock_guard lock(mutex_);
    return exchanges_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::shared_ptr<Exchange>> exchanges_;
};

HttpResponse text(const std::string& body) {
  HttpResponse response;
  response.body = body;
  return response;
}

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

std::string post(const std::string& path, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string body_of(const std::string& response) {
  const size_t end = response.find("\r\n\r\n");
  return end == std::string::npos ? "" : response.substr(end + 4);
}

int status_of(const std::string& response) {
  return response.rfind("HTTP/1.1 ", 0) == 0 ? std::stoi(response.substr(9, 3)) : 0;
}

/// A promise that on_disconnect keeps.
std::future<void> disconnect_of(Exchange& exchange) {
  const auto gone = std::make_shared<std::promise<void>>();
  exchange.on_disconnect([gone] { gone->set_value(); });
  return gone->get_future();
}

void wait_until_closed(TestServer& server, size_t n_open) {
  while (server->n_connections() > n_open) std::this_thread::sleep_for(1ms);
}

void wait_until_refused(uint16_t port) {
  while (RawPeer(port).connected()) std::this_thread::sleep_for(1ms);
}

TEST(HttpServer, KeepsAConnectionForManyRequests) {
  TestServer server(echo);
  RawPeer peer(server.port());
  for (int i = 0; i < 3; ++i) {
    const std::string path = "/" + std::to_string(i);
    ASSERT_TRUE(peer.send(post(path, "hi")));
    EXPECT_EQ(body_of(peer.read_response()), "POST " + path + " hi");
  }
  EXPECT_EQ(server->n_connections(), 1u);
}

TEST(HttpServer, ClosesWhenAsked) {
  TestServer server(echo);
  RawPeer peer(server.port());
  peer.send(get("/", "Connection: close\r\n"));
  const std::string all = peer.read_to_close();
  EXPECT_NE(all.find("Connection: close"), std::string::npos);
  EXPECT_EQ(body_of(all), "GET / ");
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  Desk desk;
  TestServer server(desk.handler());
  RawPeer peer(server.port());
  peer.send(get("/1") + post("/2", "two") + get("/3"));
  for (const char* path : {"/1", "/2", "/3"}) {
    const auto exchange = desk.next();
    EXPECT_EQ(exchange->request().path, path);
    EXPECT_EQ(desk.n_waiting(), 0u);  // one after the other
    exchange->respond(text(path));
  }
  for (const char* path : {"/1", "/2", "/3"}) EXPECT_EQ(body_of(peer.read_response()), path);
}

TEST(HttpServer, TellsThePeerOfTheRequest) {
  Desk desk;
  TestServer server(desk.handler());
  RawPeer peer(server.port());
  peer.send(get("/a?b=c", "X-Name: Value\r\n"));
  const auto exchange = desk.next();
  EXPECT_EQ(exchange->request().peer.rfind("127.0.0.1:", 0), 0u);
  EXPECT_EQ(exchange->request().query, "b=c");
  EXPECT_EQ(*exchange->request().header("x-name"), "Value");
  exchange->respond(text(""));
}

TEST(HttpServer, SaysContinueBeforeTheBodyIsSent) {
  TestServer server(echo);
  RawPeer peer(server.port());
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("hi");
  EXPECT_EQ(body_of(peer.read_response()), "POST / hi");
}

TEST(HttpServer, RefusesATooLargeBodyInsteadOfContinue) {
  TestServer server(echo, {.max_body_bytes = 10});
  RawPeer peer(server.port());
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(status_of(peer.read_to_close()), 413);
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  TestServer server(echo);
  RawPeer peer(server.port());
  peer.send("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n" + get("/after"));
  EXPECT_NE(peer.read_until("\r\n\r\n").find("Content-Length: 8\r\n"), std::string::npos);
  EXPECT_EQ(body_of(peer.read_response()), "GET /after ");
}

TEST(HttpServer, StreamsChunksInOrder) {
  Desk desk;
  TestServer server(desk.handler());
  RawPeer peer(server.port());
  peer.send(get("/") + get("/next"));
  const auto exchange = desk.next();
  HttpResponse head;
  head.content_type = "text/event-stream";
  exchange->start_stream(head);
  const std::string bytes = peer.read_until("\r\n\r\n");
  EXPECT_NE(bytes.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_NE(bytes.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  exchange->write("one");
  EXPECT_EQ(peer.read_until("one\r\n"), "3\r\none\r\n");
  exchange->write("");
  exchange->write("twelve bytes");
  exchange->end_stream();
  EXPECT_EQ(peer.read_until("0\r\n\r\n"), "c\r\ntwelve bytes\r\n0\r\n\r\n");
  desk.next()->respond(text("still open"));
  EXPECT_EQ(body_of(peer.read_response()), "still open");
}

TEST(HttpServer, StreamsToHttp10UntilTheConnectionEnds) {
  Desk desk;
  TestServer server(desk.handler());
  RawPeer peer(server.port());
  peer.send("GET / HTTP/1.0\r\n\r\n");
  const auto exchange = desk.next();
  exchange->start_stream({});
  exchange->write("plain");
  exchange->end_stream();
  EXPECT_EQ(body_of(peer.read_to_close()), "plain");
}

TEST(HttpServer, RefusesBadRequestsInOpenAiShapeAndCloses) {
  TestServer server(echo, {.max_header_bytes = 1000, .max_body_bytes = 10});
  const std::vector<std::pair<std::string, int>> cases = {
      {"nonsense\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {post("/", "more than ten bytes"), 413},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n", 413},
      {get("/", "X: " + std::string(1000, 'x') + "\r\n"), 431},
      {get("/" + std::string(5000, 'x')), 431},
  };
  for (const auto& [request, status] : cases) {
    RawPeer peer(server.port());
    peer.send(request + get("/smuggled"));
    const std::string all = peer.read_to_close();
    EXPECT_EQ(status_of(all), status) << request;
    const auto body = parse_json(body_of(all), "body");
    ASSERT_TRUE(body.ok()) << all;
    EXPECT_EQ((*body)["error"]["type"], "invalid_request_error");
    EXPECT_TRUE((*body)["error"]["message"].is_string());
    EXPECT_TRUE((*body)["error"].contains("param") && (*body)["error"].contains("code"));
  }
}

TEST(HttpServer, TimesOutAHeaderOrBodyThatNeverEnds) {
  TestServer server(echo, {.read_timeout = 50ms});
  for (const char* part : {"GET / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhi"}) {
    RawPeer peer(server.port());
    peer.send(part);
    EXPECT_EQ(status_of(peer.read_to_close()), 408) << part;
  }
}

TEST(HttpServer, ClosesIdleConnectionsWithoutAWord) {
  TestServer server(echo, {.idle_timeout = 50ms});
  RawPeer silent(server.port());
  EXPECT_EQ(silent.read_to_close(), "");
  RawPeer peer(server.port());
  peer.send(get("/"));
  EXPECT_EQ(body_of(peer.read_to_close()), "GET / ");
}

TEST(HttpServer, RefusesMoreConnectionsThanAllowed) {
  TestServer server(echo, {.max_connections = 2});
  RawPeer first(server.port());
  RawPeer second(server.port());
  for (RawPeer* peer : {&first, &second}) {
    peer->send(get("/"));
    peer->read_response();
  }
  RawPeer third(server.port());
  const std::string refused = third.read_to_close();
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_NE(refused.find("Retry-After: "), std::string::npos);
  third.close();
  first.close();
  wait_until_closed(server, 1);
  RawPeer fourth(server.port());
  fourth.send(get("/"));
  EXPECT_EQ(status_of(fourth.read_response()), 200);
}

TEST(HttpServer, SeesAPeerLeaveWhileSilent) {
  Desk desk;
  TestServer server(desk.handler());
  RawPeer before_answer(server.port());
  before_answer.send(get("/"));
  const auto first = desk.next();
  auto first_gone = disconnect_of(*first);
  before_answer.close();
  EXPECT_EQ(first_gone.wait_for(kForever), std::future_status::ready);

  RawPeer in_stream(server.port());
  in_stream.send(get("/"));
  const auto second = desk.next();
  second->start_stream({});
  in_stream.read_until("\r\n\r\n");
  auto second_gone = disconnect_of(*second);
  in_stream.close();
  EXPECT_EQ(second_gone.wait_for(kForever), std::future_status::ready);
  second->write("to nobody");
  second->end_stream();
  EXPECT_EQ(disconnect_of(*first).wait_for(0s), std::future_status::ready);  // asked late, told at once
}

TEST(HttpServer, SeesAResetBehindALongPipeline) {
  Desk desk;
  TestServer server(desk.handler(), {.max_header_bytes = 1000});
  RawPeer peer(server.port());
  peer.send(get("/first"));
  const auto exchange = desk.next();
  auto gone = disconnect_of(*exchange);
  peer.send(post("/second", std::string(100'000, 'x')));
  peer.close_with_reset();
  EXPECT_EQ(gone.wait_for(kForever), std::future_status::ready);
}

TEST(HttpServer, DoesNotReportAPeerThatLeavesAfterTheAnswer) {
  Desk desk;
  TestServer server(desk.handler());
  RawPeer peer(server.port());
  peer.send(get("/"));
  const auto exchange = desk.next();
  std::atomic<bool> called = false;
  exchange->on_disconnect([&] { called = true; });
  exchange->respond(text("done"));
  peer.read_response();
  peer.close();
  wait_until_closed(server, 0);
  EXPECT_FALSE(called);
}

TEST(HttpServer, CutsASlowReaderAndNeverBlocks) {
  Desk desk;
  TestServer server(desk.handler(), {.max_buffered_bytes = 100'000});
  RawPeer peer(server.port(), 4096);
  peer.send(get("/"));
  const auto exchange = desk.next();
  auto gone = disconnect_of(*exchange);
  exchange->start_stream({});
  // More than what the two socket buffers can hold; each call returns though nobody reads.
  for (int i = 0; i < 1000 && gone.wait_for(0s) != std::future_status::ready; ++i) {
    exchange->write(std::string(50'000, 'x'));
  }
  EXPECT_EQ(gone.wait_for(kForever), std::future_status::ready);
  exchange->write("ignored");
  exchange->end_stream();
  wait_until_closed(server, 0);
}

TEST(HttpServer, CutsAPeerThatNeverReadsAWholeAnswer) {
  TestServer server([](const auto& exchange) { exchange->respond(text(std::string(20 << 20, 'x'))); },
                    {.max_buffered_bytes = 1000, .write_timeout = 50ms});
  RawPeer peer(server.port(), 4096);
  peer.send(get("/"));
  EXPECT_TRUE(peer.read_bytes(1) == "H");
  wait_until_closed(server, 0);
}

TEST(HttpServer, SendsAWholeAnswerLargerThanTheStreamBuffer) {
  TestServer server([](const auto& exchange) { exchange->respond(text(std::string(3 << 20, 'x'))); },
                    {.max_buffered_bytes = 1000});
  RawPeer peer(server.port());
  peer.send(get("/"));
  EXPECT_EQ(body_of(peer.read_response()).size(), size_t{3} << 20);
}

TEST(HttpServer, AnswersWhatAHandlerDropsOrThrows) {
  TestServer server([](const std::shared_ptr<Exchange>& exchange) {
    if (exchange->request().path == "/throw") throw std::runtime_error("on purpose");
    if (exchange->request().path == "/stream") exchange->start_stream({});
  });
  for (const char* path : {"/drop", "/throw"}) {
    RawPeer peer(server.port());
    peer.send(get(path));
    EXPECT_EQ(status_of(peer.read_response()), 500) << path;
  }
  RawPeer peer(server.port());
  peer.send(get("/stream"));
  EXPECT_EQ(peer.read_to_close().find("0\r\n\r\n"), std::string::npos);  // a stream cut short does not look whole
}

TEST(HttpServer, ServesManyStreamsAtOnce) {
  constexpr size_t kStreams = 200;
  constexpr int kWrites = 20;
  Desk desk;
  TestServer server(desk.handler());
  std::vector<std::unique_ptr<RawPeer>> peers;
  std::vector<std::shared_ptr<Exchange>> exchanges;
  for (size_t i = 0; i < kStreams; ++i) {
    peers.push_back(std::make_unique<RawPeer>(server.port()));
    peers.back()->send(get("/" + std::to_string(i)));
  }
  for (size_t i = 0; i < kStreams; ++i) exchanges.push_back(desk.next());
  std::vector<std::thread> writers;
  for (size_t part = 0; part < 4; ++part) {
    writers.emplace_back([&exchanges, part] {
      for (size_t i = part; i < kStreams; i += 4) exchanges[i]->start_stream({});
      for (int n = 0; n < kWrites; ++n) {
        for (size_t i = part; i < kStreams; i += 4) {
          exchanges[i]->write(exchanges[i]->request().path + ":" + std::to_string(n) + ";");
        }
      }
      for (size_t i = part; i < kStreams; i += 4) exchanges[i]->end_stream();
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (size_t i = 0; i < kStreams; ++i) {
    peers[i]->read_until("\r\n\r\n");
    const std::string chunks = peers[i]->read_until("0\r\n\r\n");
    size_t at = 0;
    for (int n = 0; n < kWrites; ++n) {
      at = chunks.find("/" + std::to_string(i) + ":" + std::to_string(n) + ";", at);
      ASSERT_NE(at, std::string::npos) << "stream " << i << " write " << n;
    }
  }
}

TEST(HttpServer, StopWaitsForAnswersWithinTheGrace) {
  Desk desk;
  TestServer server(desk.handler());
  RawPeer peer(server.port());
  peer.send(get("/"));
  const auto exchange = desk.next();
  exchange->start_stream({});
  auto stopped = std::async(std::launch::async, [&] { server->stop(kForever); });
  wait_until_refused(server.port());
  EXPECT_NE(stopped.wait_for(0s), std::future_status::ready);
  exchange->write("last words");
  exchange->end_stream();
  EXPECT_EQ(stopped.wait_for(kForever), std::future_status::ready);
  EXPECT_EQ(peer.read_to_close().substr(std::string("HTTP/1.1 ").size(), 3), "200");
  EXPECT_EQ(server->n_connections(), 0u);
}

TEST(HttpServer, StopCutsWhatOutlastsTheGrace) {
  Desk desk;
  TestServer server(desk.handler());
  RawPeer peer(server.port());
  RawPeer idle(server.port());
  peer.send(get("/"));
  const auto exchange = desk.next();
  auto gone = disconnect_of(*exchange);
  exchange->start_stream({});
  server->stop(1ms);
  EXPECT_EQ(gone.wait_for(kForever), std::future_status::ready);
  EXPECT_EQ(peer.read_to_close().find("0\r\n\r\n"), std::string::npos);
  EXPECT_EQ(idle.read_to_close(), "");
  exchange->write("ignored");  // an exchange may outlive its server
  exchange->end_stream();
}

TEST(HttpServer, StopAcceptingLeavesOpenConnectionsAlone) {
  TestServer server(echo);
  RawPeer peer(server.port());
  peer.send(get("/1"));
  peer.read_response();
  server->stop_accepting();
  wait_until_refused(server.port());
  peer.send(get("/2"));
  EXPECT_EQ(body_of(peer.read_response()), "GET /2 ");
}

TEST(HttpServer, NamesHostAndPortWhenItCannotListen) {
  TestServer server(echo);
  const auto taken = HttpServer::start({.port = server.port()}, echo);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.status().code(), Code::kUnavailable);
  const std::string message = taken.status().message();
  EXPECT_NE(message.find("127.0.0.1:" + std::to_string(server.port())), std::string::npos) << message;
  EXPECT_NE(message.find("another port"), std::string::npos) << message;

  const auto nowhere = HttpServer::start({.host = "not.a.host.invalid"}, echo);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_NE(nowhere.status().message().find("not.a.host.invalid"), std::string::npos);
}

TEST(HttpServer, ListensOnAUnixSocketOfItsUserAlone) {
  const ScratchDirectory scratch("http_unix");
  HttpServerOptions options;
  options.unix_path = scratch.file("socket");
  { const std::ofstream in_the_way(options.unix_path); }
  EXPECT_FALSE(HttpServer::start(options, echo).ok());  // it is no socket, so nobody's that we may remove
  std::filesystem::remove(options.unix_path);
  boost::asio::io_context io;
  boost::asio::local::stream_protocol::acceptor(io, {options.unix_path}).close();  // as of a process that was killed
  {
    const TestServer server(echo, options);
    const auto mode = std::filesystem::status(options.unix_path).permissions();
    EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_FALSE(HttpServer::start(options, echo).ok());  // one is enough
    boost::asio::local::stream_protocol::socket peer(io);
    peer.connect({options.unix_path});
    const std::string_view request = "GET /a HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n";
    boost::asio::write(peer, boost::asio::buffer(request));
    std::string answer;
    boost::system::error_code code;
    boost::asio::read(peer, boost::asio::dynamic_buffer(answer), code);
    EXPECT_TRUE(answer.ends_with("GET /a ")) << answer;
  }
  EXPECT_FALSE(std::filesystem::exists(options.unix_path));
}

}  // namespace
}  // namespace drawbridge
