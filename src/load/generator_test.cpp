// The generator against servers that are well, slow, broken or not there.
#include "load/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "http/raw_listener.h"
#include "load/fake_server_test.h"
#include "load/random_workload.h"

namespace drawbridge {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Plans what the test says, once.
class ListWorkload : public Workload {
 public:
  explicit ListWorkload(std::vector<PlannedRequest> list) : list_(std::move(list)) {}
  Result<std::optional<PlannedRequest>> next(int64_t) override {
    if (n_ == list_.size()) return std::optional<PlannedRequest>();
    return std::optional(list_[n_++]);
  }
  std::string description() const override { return "list"; }

 private:
  std::vector<PlannedRequest> list_;
  size_t n_ = 0;
};

PlannedRequest plan(const std::string& text) {
  PlannedRequest request;
  request.messages.push_back({"user", text});
  request.n_output = 4;
  return request;
}

std::vector<PlannedRequest> plans(int n) {
  std::vector<PlannedRequest> list;
  for (int i = 0; i < n; ++i) list.push_back(plan(fmt::format("question {}", i)));
  return list;
}

StreamClientOptions client_of(const Url& url) {
  StreamClientOptions options;
  options.url = url;
  return options;
}

LoadSetup chat_setup() {
  LoadSetup setup;
  setup.model = "m";
  setup.endpoint = "/v1/chat/completions";
  return setup;
}

LoadRun run_list(const StreamClientOptions& client, std::vector<PlannedRequest> list, const GeneratorOptions& options) {
  ListWorkload workload(std::move(list));
  auto run = run_load(chat_setup(), client, workload, options);
  EXPECT_TRUE(run.ok()) << run.status().message();
  return run.ok() ? std::move(*run) : LoadRun();
}

GeneratorOptions closed(int64_t n_clients) {
  GeneratorOptions options;
  options.max_concurrency = n_clients;
  return options;
}

GeneratorOptions open_loop(double rate_rps) {
  GeneratorOptions options;
  options.arrivals = ArrivalOptions{rate_rps, kInfinity, 1};
  return options;
}

std::vector<std::string> errors_of(const LoadRun& run) {
  std::vector<std::string> errors;
  for (const RequestRecord& record : run.requests) errors.push_back(record.error);
  return errors;
}

/// The only request's error when a server sends these bytes to it.
std::string error_of_bytes(const std::string& bytes, RawListener::After after = RawListener::After::kClose) {
  const RawListener server(bytes, after);
  StreamClientOptions client = client_of({"127.0.0.1", server.port(), "/v1/chat/completions"});
  client.read_timeout = std::chrono::milliseconds(200);
  const LoadRun run = run_list(client, plans(1), closed(1));
  return run.requests.size() == 1 ? run.requests[0].error : "no record";
}

std::string stream_head() {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
}

TEST(Generator, RecordsAWholeAnswer) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(3, 17)); });
  const LoadRun run = run_list(client_of(server.url()), plans(5), closed(2));
  ASSERT_EQ(run.requests.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    const RequestRecord& r = run.requests[i];
    EXPECT_EQ(r.error, "");
    EXPECT_EQ(r.index, static_cast<int64_t>(i));
    EXPECT_EQ(r.http_status, 200);
    EXPECT_EQ(r.finish_reason, "length");
    EXPECT_EQ(r.n_prompt_reported, 17);
    EXPECT_EQ(r.n_output_reported, 3);
    EXPECT_EQ(r.n_cached_reported, -1);
    EXPECT_EQ(r.pieces.size(), 3u) << "the first, empty delta is no piece";
    EXPECT_EQ(r.pieces[0].n_bytes, 2);
    EXPECT_EQ(r.first_token_s, r.pieces[0].at_s);
    EXPECT_LE(r.due_s, r.sent_s);
    EXPECT_LE(r.sent_s, r.headers_s);
    EXPECT_LE(r.headers_s, r.first_token_s);
    EXPECT_LE(r.first_token_s, r.end_s);
  }
  EXPECT_FALSE(run.was_stopped);
  EXPECT_GT(run.duration_s, 0);
}

TEST(Generator, AsksForAStreamWithUsage) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(1)); });
  run_list(client_of(server.url()), plans(1), closed(1));
  const Json body = server.bodies().at(0);
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["messages"][0]["content"], "question 0");
  EXPECT_EQ(body["max_tokens"], 4);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_FALSE(body.contains("ignore_eos")) << "strict servers refuse what OpenAI does not have";
}

/// Coordinated omission: a server that answers nobody until all have asked gets all of them, each in its time.
TEST(Generator, AnOpenLoopKeepsItsTimesWhileTheServerStalls) {
  constexpr int kRequests = 20;
  std::mutex mutex;
  std::vector<std::shared_ptr<Exchange>> waiting;
  FakeServer server([&](const std::shared_ptr<Exchange>& exchange, const Json&, int) {
    const std::lock_guard lock(mutex);
    waiting.push_back(exchange);
    if (waiting.size() < kRequests) return;
    for (const auto& each : waiting) answer_stream(each, chat_stream(1));
    waiting.clear();
  });
  const LoadRun run = run_list(client_of(server.url()), plans(kRequests), open_loop(200));
  ASSERT_EQ(run.requests.size(), static_cast<size_t>(kRequests));
  EXPECT_THAT(errors_of(run), Each(""));
  const double last_sent_s = run.requests.back().sent_s;
  for (int i = 0; i < kRequests; ++i) {
    const RequestRecord& r = run.requests[static_cast<size_t>(i)];
    EXPECT_NEAR(r.due_s, (i + 1) / 200.0, 1e-6) << "times come from the arrivals alone";
    EXPECT_GE(r.sent_s, r.due_s);
    EXPECT_GE(r.first_token_s, last_sent_s) << "the stall is in everyone's latency";
  }
}

TEST(Generator, AClosedLoopHasNoMoreThanItsClientsUnderWay) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(1)); });
  const LoadRun run = run_list(client_of(server.url()), plans(30), closed(3));
  EXPECT_EQ(run.requests.size(), 30u);
  for (const RequestRecord& r : run.requests) {
    const auto n_open = std::count_if(run.requests.begin(), run.requests.end(), [&r](const RequestRecord& other) {
      return other.index != r.index && other.sent_s <= r.sent_s && other.end_s > r.sent_s;
    });
    EXPECT_LE(n_open, 2) << "beside itself";
  }
}

TEST(Generator, ABoundOnAnOpenLoopQueuesBehindIt) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(1)); });
  GeneratorOptions options = open_loop(0);  // all at once
  options.max_concurrency = 1;
  const LoadRun run = run_list(client_of(server.url()), plans(5), options);
  ASSERT_EQ(run.requests.size(), 5u);
  for (size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(run.requests[i].due_s, 0);
    EXPECT_GE(run.requests[i].sent_s, run.requests[i - 1].end_s);
  }
}

TEST(Generator, ATenthOfErrorsIsCountedAndTheRestGoesOn) {
  FakeServer server([](const std::shared_ptr<Exchange>& exchange, const Json&, int number) {
    if (number % 10 != 3) return answer_stream(exchange, chat_stream(2));
    HttpResponse error;
    error.status = 503;
    error.body = R"({"error":{"message":"no room","type":"overloaded","param":null,"code":null}})";
    exchange->respond(std::move(error));
  });
  const LoadRun run = run_list(client_of(server.url()), plans(40), closed(1));
  ASSERT_EQ(run.requests.size(), 40u);
  for (size_t i = 0; i < 40; ++i) {
    EXPECT_EQ(run.requests[i].error, i % 10 == 3 ? "HTTP 503: no room" : "");
    EXPECT_EQ(run.requests[i].http_status, i % 10 == 3 ? 503 : 200);
  }
  EXPECT_FALSE(run.was_stopped);
}

TEST(Generator, EndsAfterTheAllowedNumberOfErrors) {
  FakeServer server([](const std::shared_ptr<Exchange>& exchange, const Json&, int) {
    HttpResponse error;
    error.status = 500;
    error.body = "broken";
    exchange->respond(std::move(error));
  });
  GeneratorOptions options = closed(1);
  options.max_errors = 3;
  const LoadRun run = run_list(client_of(server.url()), plans(50), options);
  EXPECT_TRUE(run.was_stopped);
  EXPECT_THAT(run.stop_reason, HasSubstr("3 requests have failed, the last with: HTTP 500: broken"));
  EXPECT_LT(run.requests.size(), 50u);
}

TEST(Generator, NamesWhatWasWrongWithAnAnswer) {
  EXPECT_THAT(error_of_bytes(stream_head() + format_sse(R"({"error":{"message":"out of pages"}})")),
              HasSubstr("error event: out of pages"));
  EXPECT_THAT(error_of_bytes(stream_head() + chat_stream(3).substr(0, 200)), HasSubstr("no [DONE]"));
  EXPECT_THAT(error_of_bytes(stream_head() + format_sse("{\"choices\":[")), HasSubstr("bad event: wanted JSON"));
  EXPECT_THAT(error_of_bytes(stream_head() + chat_stream(0)), HasSubstr("empty answer"));
  EXPECT_THAT(
      error_of_bytes(stream_head() + format_sse(R"({"choices":[{"delta":{"content":"w"}}]})") + format_sse("[DONE]")),
      HasSubstr("no finish_reason"));
  EXPECT_THAT(error_of_bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), HasSubstr("no stream"));
  EXPECT_THAT(error_of_bytes("garbage\r\n\r\n"), HasSubstr("malformed HTTP"));
  EXPECT_THAT(error_of_bytes(""), HasSubstr("closed the connection without a response"));
  EXPECT_THAT(error_of_bytes("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
                             "\r\n5\r\ndata:"),
              HasSubstr("in the middle of its response"));
  EXPECT_THAT(error_of_bytes(stream_head(), RawListener::After::kWait), HasSubstr("timeout: not a byte for 200 ms"));
}

TEST(Generator, KeepsWhatCameBeforeTheAnswerWasCut) {
  const std::string events = chat_stream(3);
  const RawListener server(stream_head() + events.substr(0, events.find("\"length\"")));
  const LoadRun run = run_list(client_of({"127.0.0.1", server.port(), "/v1/chat/completions"}), plans(1), closed(1));
  ASSERT_EQ(run.requests.size(), 1u);
  EXPECT_EQ(run.requests[0].pieces.size(), 3u);
  EXPECT_FALSE(std::isnan(run.requests[0].first_token_s));
  EXPECT_FALSE(run.requests[0].succeeded());
}

TEST(Generator, AServerThatIsDownFailsEveryRequestByName) {
  uint16_t port = 0;
  { port = RawListener("").port(); }
  const LoadRun run = run_list(client_of({"127.0.0.1", port, "/"}), plans(3), closed(1));
  EXPECT_THAT(errors_of(run),
              ElementsAre(HasSubstr("cannot connect"), HasSubstr("cannot connect"), HasSubstr("cannot connect")));
}

TEST(Generator, AHostWithoutAnAddressIsAnError) {
  ListWorkload workload(plans(1));
  const auto run = run_load(chat_setup(), client_of({"no-such-host.invalid", 80, "/"}), workload, closed(1));
  ASSERT_FALSE(run.ok());
  EXPECT_THAT(run.status().message(), HasSubstr("no-such-host.invalid:80: cannot find the host"));
}

TEST(Generator, WarmupsComeBeforeTheRunAndAreMarked) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(1)); });
  GeneratorOptions options = closed(1);
  options.n_warmups = 2;
  std::vector<int64_t> order;
  options.on_record = [&order](const RequestRecord& record) {
    order.push_back(record.index);
    return Status();
  };
  const LoadRun run = run_list(client_of(server.url()), plans(5), options);
  EXPECT_THAT(order, ElementsAre(-2, -1, 0, 1, 2));
  ASSERT_EQ(run.requests.size(), 5u);
  for (const RequestRecord& r : run.requests) {
    EXPECT_EQ(r.is_warmup, r.index < 0);
    EXPECT_EQ(r.end_s <= 0, r.index < 0);
    EXPECT_LE(r.sent_s, r.first_token_s);
  }
}

TEST(Generator, StopsAtASignalWithWhatItHas) {
  std::mutex mutex;
  std::vector<std::shared_ptr<Exchange>> waiting;  // never answered
  FakeServer server([&](const std::shared_ptr<Exchange>& exchange, const Json&, int number) {
    if (number < 2) return answer_stream(exchange, chat_stream(1));
    const std::lock_guard lock(mutex);
    waiting.push_back(exchange);
  });
  GeneratorOptions options = closed(2);
  options.should_stop = [&] { return server.bodies().size() == 4; };
  const LoadRun run = run_list(client_of(server.url()), plans(10), options);
  EXPECT_TRUE(run.was_stopped);
  EXPECT_EQ(run.stop_reason, "interrupted");
  EXPECT_THAT(errors_of(run), ElementsAre("", "", "stopped", "stopped"));
}

TEST(Generator, AFailedWriteOfARecordEndsTheRun) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(1)); });
  GeneratorOptions options = closed(1);
  options.on_record = [](const RequestRecord&) { return fail(Code::kResourceExhausted, "disk full"); };
  const LoadRun run = run_list(client_of(server.url()), plans(10), options);
  EXPECT_TRUE(run.was_stopped);
  EXPECT_EQ(run.stop_reason, "disk full");
}

/// Two turns are due at once; the second goes when the first has ended, and holds its answer.
TEST(Generator, ATurnHoldsTheAnswersBeforeIt) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(2)); });
  std::vector<PlannedRequest> list = plans(3);
  for (int64_t turn = 0; turn < 3; ++turn) {
    PlannedRequest& request = list[static_cast<size_t>(turn)];
    request.conversation = 7;
    request.turn = turn;
    request.ends_conversation = turn == 2;
  }
  const LoadRun run = run_list(client_of(server.url()), list, open_loop(0));
  ASSERT_EQ(run.requests.size(), 3u);
  EXPECT_EQ(run.n_postponed, 2);
  EXPECT_THAT(errors_of(run), Each(""));
  const Json messages = server.bodies().at(2)["messages"];
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[0]["content"], "question 0");
  EXPECT_EQ(messages[1]["role"], "assistant");
  EXPECT_EQ(messages[1]["content"], "w w ");
  EXPECT_EQ(messages[4]["content"], "question 2");
  for (size_t turn = 1; turn < 3; ++turn) {
    EXPECT_GE(run.requests[turn].due_s, run.requests[turn - 1].end_s) << "due when it could be sent";
    EXPECT_GE(run.requests[turn].sent_s, run.requests[turn].due_s);
  }
}

TEST(Generator, AFailedTurnLeavesNoTraceInItsConversation) {
  FakeServer server([](const std::shared_ptr<Exchange>& exchange, const Json&, int number) {
    if (number != 0) return answer_stream(exchange, chat_stream(1));
    HttpResponse error;
    error.status = 500;
    exchange->respond(std::move(error));
  });
  std::vector<PlannedRequest> list = plans(2);
  for (PlannedRequest& request : list) request.conversation = 1;
  list[0].ends_conversation = false;
  run_list(client_of(server.url()), list, closed(1));
  const Json messages = server.bodies().at(1)["messages"];
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0]["content"], "question 1");
}

TEST(Generator, ReplaysTheTimesOfATrace) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(1)); });
  std::vector<PlannedRequest> list = plans(3);
  list[0].due_s = 100;
  list[1].due_s = 100.02;
  list[2].due_s = 100.03;
  GeneratorOptions options;
  options.replays_trace = true;
  const LoadRun run = run_list(client_of(server.url()), list, options);
  ASSERT_EQ(run.requests.size(), 3u);
  EXPECT_NEAR(run.requests[1].due_s, 0.02, 1e-9);
  EXPECT_NEAR(run.requests[2].due_s, 0.03, 1e-9);
  EXPECT_GE(run.requests[2].sent_s, run.requests[2].due_s);
}

TEST(Generator, ADurationEndsTheArrivals) {
  FakeServer server([](const auto& exchange, const Json&, int) { answer_stream(exchange, chat_stream(1)); });
  GeneratorOptions options = open_loop(100);
  options.duration_s = 0.1005;
  const LoadRun run = run_list(client_of(server.url()), plans(1000), options);
  EXPECT_EQ(run.requests.size(), 10u);
  EXPECT_NEAR(run.arrivals_end_s, 0.1, 1e-6);
}

/// A server that closes connections between answers costs nobody a request.
TEST(Generator, AKeptConnectionThatWasClosedIsReplaced) {
  const RawListener server("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " +
                           std::to_string(chat_stream(1).size()) + "\r\n\r\n" + chat_stream(1));
  const LoadRun run = run_list(client_of({"127.0.0.1", server.port(), "/v1/chat/completions"}), plans(20), closed(1));
  EXPECT_EQ(run.requests.size(), 20u);
  EXPECT_THAT(errors_of(run), Each(""));
}

}  // namespace
}  // namespace drawbridge
