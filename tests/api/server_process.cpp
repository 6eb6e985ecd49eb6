#include "api/server_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/mapped_file.h"

namespace drawbridge::api {
namespace {

constexpr std::chrono::milliseconds kPoll{5};
constexpr std::chrono::seconds kPatience{120};
constexpr size_t kMaxLogBytes = 16 << 20;

/// An empty file in the temporary directory.
Result<std::string> make_log_file() {
  std::string path = (std::filesystem::temp_directory_path() / "drawbridge-serve-XXXXXX").string();
  const int file = mkstemp(path.data());
  if (file < 0) return fail(Code::kUnavailable, "{}: cannot create: {}", path, std::strerror(errno));
  close(file);
  return path;
}

Result<pid_t> spawn(const std::string& program, const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<std::string> words = {program, "serve", "--port", "0"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_APPEND, 0);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Code::kNotFound, "{}: cannot run: {}", program, std::strerror(error));
  return pid;
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const std::string& program,
                                                            const std::vector<std::string>& arguments) {
  DB_ASSIGN(const std::string log, make_log_file());
  DB_ASSIGN(const pid_t pid, spawn(program, arguments, log));
  std::unique_ptr<ServerProcess> process(new ServerProcess(pid, log));
  DB_TRY(process->wait_until_it_listens());
  return process;
}

ServerProcess::~ServerProcess() {
  if (running_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove(log_path_, ignored);
}

std::string ServerProcess::log() const {
  const auto text = read_text_file(log_path_, kMaxLogBytes);
  return text.ok() ? *text : text.status().message();
}

Status ServerProcess::wait_until_it_listens() {
  constexpr std::string_view kMark = " listening url=";
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    const std::string text = log();
    const size_t found = text.find(kMark);
    const size_t end = text.find('\n', found);
    if (found != std::string::npos && end != std::string::npos) {
      DB_ASSIGN(url_, parse_url(text.substr(found + kMark.size(), end - found - kMark.size())));
      return Status();
    }
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      running_ = false;
      return fail(Code::kUnavailable, "drawbridge serve ended before it listened; its log:\n{}", log());
    }
    std::this_thread::sleep_for(kPoll);
  }
  return fail(Code::kUnavailable, "drawbridge serve did not listen within {} s; its log:\n{}", kPatience.count(),
              log());
}

int ServerProcess::stop() {
  kill(pid_, SIGTERM);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  running_ = false;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace drawbridge::api
