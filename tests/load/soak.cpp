// `soak PROGRAM MODEL SECONDS CLIENTS CSV`: many clients against one `drawbridge serve` for a while, some of which
// leave or read slowly; then a rest, in which nothing of them may be left; then they go on and SIGTERM comes in the
// middle. Every text is known from a quiet run before, so that a wrong one is seen. Fails when an answer is lost or
// wrong, or when memory or files of the server grow. The CSV has a line a second.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/core.h>

#include "api/server_process.h"
#include "base/json.h"
#include "base/rng.h"
#include "http/client.h"

namespace drawbridge {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kTexts = 24;
constexpr int kMaxTokens = 24;
constexpr std::chrono::seconds kBeforeStop{2};
constexpr std::chrono::milliseconds kPoll{10};
constexpr std::chrono::seconds kPatience{60};
constexpr double kMaxGrowth = 0.05;  // of resident memory, from the first quarter to the last

struct Sample {
  double second = 0;
  int64_t rss_bytes = 0, n_files = 0, n_whole = 0;
  double n_pages_used = 0;
};

struct Counts {
  std::atomic<int64_t> whole{0};         // streams that ended, with the text of the quiet run
  std::atomic<int64_t> left{0};          // by a client's own will
  std::atomic<int64_t> refused{0};       // 429, or 503 while draining
  std::atomic<int64_t> not_accepted{0};  // the server had closed its port
};

HttpClientRequest request_of(size_t text) {
  const std::string prompt = fmt::format("{} Story number {}", std::string(text * 7, 'x'), text);
  const Json body = {{"messages", {{{"role", "user"}, {"content", prompt}}}},
                     {"max_tokens", kMaxTokens},
                     {"ignore_eos", true},
                     {"temperature", 0},
                     {"stream", true}};
  HttpClientRequest request;
  request.method = "POST";
  request.headers.emplace_back("content-type", "application/json");
  request.body = dump_json(body);
  return request;
}

std::string delta_text(const SseEvent& event) {
  const auto json = parse_json(event.data, "event");
  if (!json.ok() || !json->contains("choices") || (*json)["choices"].empty()) return "";
  const Json& delta = (*json)["choices"][0]["delta"];
  std::string text;
  for (const char* part : {"reasoning_content", "content"}) {
    if (delta.contains(part) && delta[part].is_string()) text += delta[part].get<std::string>();
  }
  return text;
}

int64_t resident_bytes(pid_t pid) {
  std::ifstream statm(fmt::format("/proc/{}/statm", pid));
  int64_t all_pages = 0, resident_pages = 0;
  statm >> all_pages >> resident_pages;
  return resident_pages * ::sysconf(_SC_PAGESIZE);
}

int64_t n_files_of(pid_t pid) {
  std::error_code gone;
  const std::filesystem::directory_iterator files(fmt::format("/proc/{}/fd", pid), gone);
  return gone ? 0 : std::distance(begin(files), end(files));
}

class Soak {
 public:
  explicit Soak(const api::ServerProcess& server) : server_(server) {}

  Status learn_texts() {
    for (size_t i = 0; i < kTexts; ++i) {
      std::string text;
      const auto take = [&](const SseEvent& event) { return text += delta_text(event), true; };
      DB_ASSIGN(const auto response, http_request(chats(), request_of(i), take));
      if (response.status != 200) return fail(Code::kUnavailable, "quiet run: {}", response.body);
      texts_.push_back(text);
    }
    return Status();
  }

  void start(uint64_t n_clients) {
    for (uint64_t id = 0; id < n_clients; ++id) {
      clients_.emplace_back([this, id] {
        for (uint64_t turn = 0; !stopping_; ++turn) {
          ++n_asking_;  // before the look at resting_, so that a rest that counts nobody has nobody
          if (!resting_) ask(id << 32 | turn);
          --n_asking_;
          if (resting_) std::this_thread::sleep_for(kPoll);
        }
      });
    }
  }

  void sample_for(std::chrono::seconds duration) {
    const auto end = Clock::now() + duration;
    while (Clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      const std::chrono::duration<double> second = Clock::now() - started_;
      samples_.push_back(
          {second.count(), resident_bytes(server_.pid()), n_files_of(server_.pid()), counts_.whole, pages_used()});
    }
  }

  /// Lets every client end its answer, looks at what they left behind in the server, and has them go on.
  void rest(int64_t n_files_before) {
    resting_ = true;
    const auto patience_ends = Clock::now() + kPatience;
    double n_pages = 0;
    int64_t n_files = 0;
    const auto is_clean = [&] {
      n_pages = pages_used();
      n_files = n_files_of(server_.pid());
      return n_asking_ == 0 && n_pages == 0 && n_files <= n_files_before;
    };
    bool clean = is_clean();
    for (; !clean && Clock::now() < patience_ends; clean = is_clean()) std::this_thread::sleep_for(kPoll);
    if (!clean) {
      flaw(fmt::format("a rest leaves {} clients asking, {} pages in use and {} files open, before it were 0, 0 and {}",
                       n_asking_.load(), n_pages, n_files, n_files_before));
    }
    for (const char* gauge : {"engine_buffers_after_ready_total", "num_requests_running", "num_requests_waiting"}) {
      if (const double n = metric(fmt::format("drawbridge:{}", gauge)); n != 0) flaw(fmt::format("{} is {}", gauge, n));
    }
    resting_ = false;
  }

  /// From now on a refused connection is the server's right.
  void expect_stop() { stopping_ = true; }
  void join() {
    for (std::thread& client : clients_) client.join();
  }

  void flaw(std::string what) {
    const std::lock_guard lock(mutex_);
    flaws_.push_back(std::move(what));
  }
  const std::vector<std::string>& flaws() const { return flaws_; }
  const std::vector<Sample>& samples() const { return samples_; }
  const Counts& counts() const { return counts_; }
  double pages_used() const { return metric("drawbridge:kv_pages") - metric("drawbridge:kv_pages_free"); }

 private:
  Url chats() const { return {server_.url().host, server_.url().port, "/v1/chat/completions"}; }

  /// The gauge's value, -1 if it is not to be had.
  double metric(const std::string& name) const {
    const auto page = http_request({server_.url().host, server_.url().port, "/metrics"}, {});
    if (!page.ok()) return -1;
    const size_t line = page->body.find("\n" + name + "{");
    const size_t value = line == std::string::npos ? line : page->body.find("} ", line);
    return value == std::string::npos ? -1 : std::stod(page->body.substr(value + 2));
  }

  /// A fifth of the clients leave in the middle, a fifth read slowly.
  void ask(uint64_t seed) {
    const auto text = static_cast<size_t>(uniform_at(seed, 0) * kTexts);
    const double kind = uniform_at(seed, 1);
    const bool slow = kind >= 0.2 && kind < 0.4;
    std::optional<size_t> leave_after;
    if (kind < 0.2) leave_after = static_cast<size_t>(uniform_at(seed, 2) * kMaxTokens);
    std::string found;
    size_t n_events = 0;
    bool done = false;
    const auto take = [&](const SseEvent& event) {
      done = event.data == "[DONE]";
      found += delta_text(event);
      if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return !leave_after || ++n_events <= *leave_after;
    };
    const auto response = http_request(chats(), request_of(text), take);
    judge(response, text, found, done, leave_after.has_value());
  }

  void judge(const Result<HttpClientResponse>& response, size_t text, const std::string& found, bool done,
             bool leaves) {
    if (!response.ok()) {
      if (found.empty() && stopping_) return void(++counts_.not_accepted);
      return flaw(fmt::format("lost after '{}': {}", found, response.status().message()));
    }
    if (response->status == 429 || (response->status == 503 && stopping_)) return void(++counts_.refused);
    if (response->status != 200) return flaw(fmt::format("status {}: {}", response->status, response->body));
    if (!texts_[text].starts_with(found)) return flaw(fmt::format("text {}: '{}'", text, found));
    if (leaves && !done) return void(++counts_.left);
    if (!done || found != texts_[text]) return flaw(fmt::format("text {} ended early: '{}'", text, found));
    ++counts_.whole;
  }

  const api::ServerProcess& server_;
  const Clock::time_point started_ = Clock::now();
  std::vector<std::string> texts_;
  std::vector<std::thread> clients_;
  std::vector<Sample> samples_;
  Counts counts_;
  std::atomic<bool> resting_{false}, stopping_{false};
  std::atomic<int64_t> n_asking_{0};
  std::mutex mutex_;
  std::vector<std::string> flaws_;
};

/// Mean of a member over the part [from, to) of the samples.
double mean(const std::vector<Sample>& samples, int64_t Sample::*member, double from, double to) {
  const auto n = static_cast<double>(samples.size());
  double sum = 0, count = 0;
  for (auto i = static_cast<size_t>(from * n); i < static_cast<size_t>(to * n); ++i) {
    sum += static_cast<double>(samples[i].*member);
    ++count;
  }
  return sum / std::max(count, 1.0);
}

void check_growth(Soak& soak, const char* what, int64_t Sample::*member) {
  const double early = mean(soak.samples(), member, 0.25, 0.5), late = mean(soak.samples(), member, 0.75, 1);
  fmt::print("{}: {:.0f} in the second quarter, {:.0f} in the last\n", what, early, late);
  if (late > early * (1 + kMaxGrowth)) soak.flaw(fmt::format("{} grew from {:.0f} to {:.0f}", what, early, late));
}

void write_csv(const std::string& path, const std::vector<Sample>& samples) {
  std::ofstream csv(path);
  csv << "second,rss_bytes,files,pages_used,whole_answers\n";
  for (const Sample& s : samples) {
    csv << fmt::format("{:.1f},{},{},{},{}\n", s.second, s.rss_bytes, s.n_files, s.n_pages_used, s.n_whole);
  }
}

Status run(char** argument) {
  const std::vector<std::string> options = {"--model",       argument[2], "--max-context", "512",
                                            "--kv-tokens",   "16384",     "--max-running", "64",
                                            "--max-waiting", "1024",      "--drain-grace", "120"};
  DB_ASSIGN(const auto server, api::ServerProcess::start(argument[1], options));
  Soak soak(*server);
  DB_TRY(soak.learn_texts());
  const int64_t n_files = n_files_of(server->pid());
  soak.start(static_cast<uint64_t>(std::atoi(argument[4])));
  soak.sample_for(std::chrono::seconds(std::atoi(argument[3])));
  soak.rest(n_files);
  soak.sample_for(kBeforeStop);
  soak.expect_stop();
  if (const int code = server->stop(); code != 0) soak.flaw(fmt::format("exit code {}", code));
  soak.join();
  write_csv(argument[5], soak.samples());
  check_growth(soak, "resident bytes", &Sample::rss_bytes);
  check_growth(soak, "open files", &Sample::n_files);
  const Counts& n = soak.counts();
  fmt::print("whole {}, left {}, refused {}, not accepted after SIGTERM {}, lost or wrong {}\n", n.whole.load(),
             n.left.load(), n.refused.load(), n.not_accepted.load(), soak.flaws().size());
  if (server->log().find("answers_cut=0") == std::string::npos) soak.flaw("the log does not say answers_cut=0");
  if (n.whole == 0) soak.flaw("no answer at all");
  if (soak.flaws().empty()) return Status();
  return fail(Code::kCorrupt, "{} flaws, the first: {}", soak.flaws().size(), soak.flaws().front());
}

}  // namespace
}  // namespace drawbridge

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "usage: soak PROGRAM MODEL SECONDS CLIENTS CSV\n");
    return 2;
  }
  const drawbridge::Status status = drawbridge::run(argv);
  if (!status.ok()) fmt::print(stderr, "{}\n", status.message());
  return status.ok() ? 0 : 1;
}
