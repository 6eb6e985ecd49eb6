// For tests: a server that sends the same bytes to everyone, whatever is asked.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"

namespace drawbridge {

class RawListener {
 public:
  enum class After { kClose, kWait };  // what it does when it has sent them

  explicit RawListener(std::string bytes, After after = After::kClose)
      : listener_(socket(AF_INET, SOCK_STREAM, 0)), bytes_(std::move(bytes)), after_(after) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    DB_CHECK(bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) == 0 && listen(listener_, 16) == 0);
    DB_CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { loop(); });
  }
  ~RawListener() {
    shutdown(listener_, SHUT_RDWR);  // wakes accept
    thread_.join();
    close(listener_);
    for (const int peer : waiting_) close(peer);
  }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  uint16_t port() const { return port_; }

 private:
  void loop() {
    for (int peer = accept(listener_, nullptr, nullptr); peer >= 0; peer = accept(listener_, nullptr, nullptr)) {
      char request[4096];
      const bool asked = recv(peer, request, sizeof(request), 0) > 0;
      if (asked) send(peer, bytes_.data(), bytes_.size(), MSG_NOSIGNAL);
      if (after_ == After::kWait) {
        waiting_.push_back(peer);
      } else {
        close(peer);
      }
    }
  }

  const int listener_;
  const std::string bytes_;
  const After after_;
  uint16_t port_ = 0;
  std::vector<int> waiting_;
  std::thread thread_;
};

}  // namespace drawbridge
