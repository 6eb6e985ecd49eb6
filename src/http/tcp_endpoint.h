// What is known of an end of a socket that is of TCP, or local to the machine.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstring>
#include <optional>

namespace drawbridge {

/// Absent: it is none of TCP.
inline std::optional<boost::asio::ip::tcp::endpoint> tcp_endpoint(
    const boost::asio::generic::stream_protocol::endpoint& end) {
  const int family = end.protocol().family();
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  boost::asio::ip::tcp::endpoint tcp;
  tcp.resize(end.size());
  std::memcpy(tcp.data(), end.data(), end.size());
  return tcp;
}

}  // namespace drawbridge
