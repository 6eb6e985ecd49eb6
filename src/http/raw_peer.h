// For tests: a peer that speaks to a server byte by byte, so that it can be as wrong, slow or rude as a test wants.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace drawbridge {

class RawPeer {
 public:
  /// Connects to a port of this machine; `receive_buffer` bytes, 0: the system's default.
  explicit RawPeer(uint16_t port, int receive_buffer = 0) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    DB_CHECK(socket_ >= 0);
    if (receive_buffer != 0) set(SO_RCVBUF, receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawPeer() { close(); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  bool connected() const { return connected_; }

  /// False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  /// What has come so far, up to and including `end`; all there was if the server closes first.
  std::string read_until(std::string_view end) {
    size_t found = received_.find(end);
    while (found == std::string::npos && receive()) found = received_.find(end);
    const size_t n = found == std::string::npos ? received_.size() : found + end.size();
    const std::string text = received_.substr(0, n);
    received_.erase(0, n);
    return text;
  }

  std::string read_bytes(size_t n) {
    while (received_.size() < n && receive()) continue;
    const std::string text = received_.substr(0, n);
    received_.erase(0, text.size());
    return text;
  }

  std::string read_to_close() {
    while (receive()) continue;
    return std::exchange(received_, {});
  }

  /// One response with a Content-Length: its head and body.
  std::string read_response() {
    const std::string head = read_until("\r\n\r\n");
    const size_t length = head.find("Content-Length: ");
    return length == std::string::npos ? head : head + read_bytes(std::stoul(head.substr(length + 16)));
  }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void close_with_reset() {
    const linger now{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }

 private:
  void set(int option, int value) { setsockopt(socket_, SOL_SOCKET, option, &value, sizeof(value)); }

  /// False when the server has closed or says nothing for longer than any test should take.
  bool receive() {
    pollfd waiting{socket_, POLLIN, 0};
    char bytes[4096];
    const ssize_t n = poll(&waiting, 1, kPatienceMs) > 0 ? recv(socket_, bytes, sizeof(bytes), 0) : -1;
    if (n > 0) received_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }

  static constexpr int kPatienceMs = 60'000;
  int socket_;
  bool connected_ = false;
  std::string received_;
};

}  // namespace drawbridge
