// 64 clients at once, half of which leave in the middle: whatever they do, answers that end are whole, and afterwards
// nothing is left of them in the server, neither requests nor pages nor file descriptors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "api/server_process.h"
#include "base/json.h"
#include "base/rng.h"
#include "http/client.h"

namespace drawbridge {
namespace {

constexpr uint64_t kClients = 64;
constexpr uint64_t kRounds = 2;
constexpr int kMaxTokens = 12;
constexpr std::chrono::seconds kPatience{120};

size_t n_file_descriptors(pid_t pid) {
  const auto folder = "/proc/" + std::to_string(pid) + "/fd";
  const std::filesystem::directory_iterator files(folder);
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

Url at(const Url& server, const std::string& target) {
  return {server.host, server.port, target};
}

/// The gauge's value, for a metric of one sample.
double metric(const Url& server, const std::string& name) {
  const auto page = http_request(at(server, "/metrics"), {});
  if (!page.ok()) return -1;
  const size_t line = page->body.find("\n" + name + "{");
  const size_t value = line == std::string::npos ? line : page->body.find("} ", line);
  return value == std::string::npos ? -1 : std::stod(page->body.substr(value + 2));
}

template <typename Condition>
bool becomes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

HttpClientRequest chat_request(uint64_t seed, bool stream) {
  const Json body = {{"messages", {{{"role", "user"}, {"content", "Story " + std::to_string(seed)}}}},
                     {"max_tokens", kMaxTokens},
                     {"ignore_eos", true},
                     {"seed", seed % 1000},
                     {"stream", stream},
                     {"stream_options", {{"include_usage", true}}}};
  HttpClientRequest request;
  request.method = "POST";
  request.headers.emplace_back("content-type", "application/json");
  request.body = dump_json(body);
  return request;
}

/// What is wrong with a stream that ended on its own; empty if nothing is.
std::string flaw_of(const std::vector<std::string>& data) {
  if (data.size() < 4 || data.back() != "[DONE]") return "no [DONE] at the end";
  std::vector<Json> events;
  for (size_t i = 0; i + 1 < data.size(); ++i) {
    const auto event = parse_json(data[i], "event");
    if (!event.ok()) return event.status().message();
    if (event->value("id", "") != parse_json(data[0], "event")->value("id", "")) return "ids differ: " + data[i];
    events.push_back(*event);
  }
  const Json& usage = events.back()["usage"];
  if (!usage.is_object() || usage["completion_tokens"] != kMaxTokens) return "usage: " + dump_json(usage);
  if (events[0]["choices"][0]["delta"]["role"] != "assistant") return "first chunk: " + data[0];
  const Json& last_choice = events[events.size() - 2]["choices"][0];
  if (last_choice["finish_reason"] != "length") return "finish_reason: " + dump_json(last_choice);
  return "";
}

class Crowd {
 public:
  explicit Crowd(const Url& server) : server_(server) {}

  void run() {
    std::vector<std::thread> clients;
    for (uint64_t id = 0; id < kClients; ++id) {
      clients.emplace_back([this, id] {
        for (uint64_t round = 0; round < kRounds; ++round) ask(id * kRounds + round);
      });
    }
    for (std::thread& client : clients) client.join();
  }

  int n_whole() const { return n_whole_; }
  int n_left() const { return n_left_; }
  const std::vector<std::string>& flaws() const { return flaws_; }

 private:
  void ask(uint64_t seed) {
    const double choice = uniform_at(seed, 0);
    if (choice < 0.4) {
      stream(seed, std::nullopt);
    } else if (choice < 0.8) {
      stream(seed, static_cast<size_t>(uniform_at(seed, 1) * kMaxTokens));
    } else if (choice < 0.9) {
      leave_before_an_answer(seed);
    } else {
      whole(seed);
    }
  }

  /// Leaves after so many events, if that is given.
  void stream(uint64_t seed, std::optional<size_t> leave_after) {
    std::vector<std::string> data;
    const auto take = [&](const SseEvent& event) {
      data.push_back(event.data);
      return !leave_after || data.size() <= *leave_after;
    };
    const auto response = http_request(at(server_, "/v1/chat/completions"), chat_request(seed, true), take);
    if (!response.ok() || response->status != 200)
      return flaw(response.ok() ? response->body : response.status().message());
    if (leave_after) {
      ++n_left_;
    } else {
      ++n_whole_;
      if (const std::string found = flaw_of(data); !found.empty()) flaw(found);
    }
  }

  void leave_before_an_answer(uint64_t seed) {
    HttpClientRequest request = chat_request(seed, uniform_at(seed, 2) < 0.5);
    request.read_timeout = std::chrono::milliseconds(2);
    const auto response = http_request(at(server_, "/v1/chat/completions"), request);
    if (!response.ok()) ++n_left_;
  }

  void whole(uint64_t seed) {
    const auto response = http_request(at(server_, "/v1/chat/completions"), chat_request(seed, false));
    if (!response.ok() || response->status != 200)
      return flaw(response.ok() ? response->body : response.status().message());
    const auto body = parse_json(response->body, "body");
    if (!body.ok() || (*body)["usage"]["completion_tokens"] != kMaxTokens) flaw(response->body);
    ++n_whole_;
  }

  void flaw(std::string what) {
    const std::lock_guard lock(mutex_);
    flaws_.push_back(std::move(what));
  }

  const Url server_;
  std::atomic<int> n_whole_ = 0;
  std::atomic<int> n_left_ = 0;
  std::mutex mutex_;
  std::vector<std::string> flaws_;
};

TEST(Load, ACrowdThatComesAndGoesLeavesNothingBehind) {
  auto started = api::ServerProcess::start(
      DB_PROGRAM, {"--model", DB_SOURCE_DIR "/models/glm52-nano", "--max-context", "256", "--kv-tokens", "4096"});
  ASSERT_TRUE(started.ok()) << started.status().message();
  const auto server = std::move(started).value();
  ASSERT_TRUE(http_request(at(server->url(), "/health"), {}).ok());  // opens whatever is opened once
  const size_t n_files = n_file_descriptors(server->pid());

  Crowd crowd(server->url());
  crowd.run();
  EXPECT_THAT(crowd.flaws(), testing::IsEmpty());
  EXPECT_GT(crowd.n_whole(), 32);
  EXPECT_GT(crowd.n_left(), 32);

  const Url& url = server->url();
  EXPECT_TRUE(becomes_true([&] { return metric(url, "drawbridge:num_requests_running") == 0; }));
  EXPECT_EQ(metric(url, "drawbridge:num_requests_waiting"), 0);
  EXPECT_GT(metric(url, "drawbridge:kv_pages"), 0);
  EXPECT_EQ(metric(url, "drawbridge:kv_pages_free"), metric(url, "drawbridge:kv_pages"));
  EXPECT_TRUE(becomes_true([&] { return n_file_descriptors(server->pid()) <= n_files; }))
      << n_files << " file descriptors before, " << n_file_descriptors(server->pid()) << " after";
  EXPECT_EQ(server->stop(), 0) << server->log();
}

}  // namespace
}  // namespace drawbridge
