// A `drawbridge serve` of its own for a test, on a free port of this machine.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/url.h"

namespace drawbridge::api {

class ServerProcess {
 public:
  /// Runs `program serve --port 0 arguments...` and returns when it listens. Errors show the end of its log.
  static Result<std::unique_ptr<ServerProcess>> start(const std::string& program,
                                                      const std::vector<std::string>& arguments);
  /// Kills it if stop() was not called.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const Url& url() const { return url_; }
  pid_t pid() const { return pid_; }
  std::string log() const;
  /// Asks it to end, waits, and returns its exit code; -1 if a signal ended it.
  int stop();

 private:
  ServerProcess(pid_t pid, std::string log_path) : pid_(pid), log_path_(std::move(log_path)) {}
  Status wait_until_it_listens();

  pid_t pid_;
  std::string log_path_;
  Url url_;
  bool running_ = true;
};

}  // namespace drawbridge::api
