// stream_server PORT PERIOD_MS: streams chat answers of max_tokens words, one word each PERIOD_MS, to anyone. What it
// sends is evenly spread over each period, so that N streams are N / PERIOD_MS words a millisecond.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/json_path.h"
#include "http/server.h"
#include "http/sse.h"

namespace drawbridge {
namespace {

struct Stream {
  std::shared_ptr<Exchange> exchange;
  int64_t n_left = 0;
  int64_t n_tokens = 0;
  int64_t n_prompt = 0;
};

/// As long as those of real servers.
const std::string kWord = format_sse(
    R"({"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1790000000,"model":"stream","choices":)"
    R"([{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null})");

class StreamServer {
 public:
  explicit StreamServer(int64_t period_ms) : slots_(static_cast<size_t>(period_ms)) {}

  void take(const std::shared_ptr<Exchange>& exchange);
  /// Never returns.
  void run();

 private:
  void answer_whole(const std::shared_ptr<Exchange>& exchange, int64_t n_prompt);
  static bool step(Stream& stream);

  std::mutex mutex_;
  std::vector<std::vector<Stream>> slots_;  // streams by the millisecond of the period in which they get their word
  size_t next_slot_ = 0;
};

void StreamServer::answer_whole(const std::shared_ptr<Exchange>& exchange, int64_t n_prompt) {
  const Json answer = {{"choices", {{{"message", {{"content", " word"}}}, {"finish_reason", "length"}}}},
                       {"usage", {{"prompt_tokens", n_prompt}, {"completion_tokens", 1}}}};
  HttpResponse response;
  response.body = dump_json(answer);
  exchange->respond(std::move(response));
}

void StreamServer::take(const std::shared_ptr<Exchange>& exchange) {
  HttpResponse response;
  if (exchange->request().path == "/v1/models") {
    response.body = R"({"object":"list","data":[{"id":"stream","owned_by":"stream_server"}]})";
    return exchange->respond(std::move(response));
  }
  const auto body = parse_json(exchange->request().body, "body");
  if (exchange->request().path != "/v1/chat/completions" || !body.ok()) {
    response.status = 404;
    return exchange->respond(std::move(response));
  }
  const std::string text = text_at(*body, {"messages", "0", "content"});
  const int64_t n_prompt = 1 + std::count(text.begin(), text.end(), ' ');
  if (!body->value("stream", false)) return answer_whole(exchange, n_prompt);
  response.content_type = "text/event-stream";
  exchange->start_stream(std::move(response));
  const int64_t n_tokens = body->value("max_tokens", 1);
  const std::lock_guard lock(mutex_);
  slots_[next_slot_++ % slots_.size()].push_back({exchange, n_tokens, n_tokens, n_prompt});
}

/// False when the stream is over.
bool StreamServer::step(Stream& stream) {
  if (stream.n_left-- > 0) {
    stream.exchange->write(kWord);
    return true;
  }
  stream.exchange->write(
      format_sse(R"({"choices":[{"index":0,"delta":{},"finish_reason":"length"}]})") +
      format_sse(fmt::format(R"({{"choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}})",
                             stream.n_prompt, stream.n_tokens)) +
      format_sse("[DONE]"));
  stream.exchange->end_stream();
  return false;
}

void StreamServer::run() {
  auto at = std::chrono::steady_clock::now();
  for (size_t now = 0;; now = (now + 1) % slots_.size()) {
    std::this_thread::sleep_until(at += std::chrono::milliseconds(1));
    const std::lock_guard lock(mutex_);
    std::erase_if(slots_[now], [](Stream& stream) { return !step(stream); });
  }
}

}  // namespace
}  // namespace drawbridge

int main(int argc, char** argv) {
  using namespace drawbridge;
  const int port = argc == 3 ? std::atoi(argv[1]) : 0;
  const int period_ms = argc == 3 ? std::atoi(argv[2]) : 0;
  if (port <= 0 || port > 65535 || period_ms <= 0) {
    fmt::print(stderr, "usage: stream_server PORT PERIOD_MS\n");
    return 1;
  }
  StreamServer streams(period_ms);
  const auto server = HttpServer::start({.port = static_cast<uint16_t>(port), .n_threads = 1, .max_connections = 60000},
                                        [&streams](const std::shared_ptr<Exchange>& e) { streams.take(e); });
  if (!server.ok()) {
    fmt::print(stderr, "stream_server: {}\n", server.status().message());
    return 1;
  }
  streams.run();
}
