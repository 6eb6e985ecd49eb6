// The listening socket of a server: TCP, or a Unix socket that only this user can open.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <cstdint>
#include <string>

#include "http/server.h"

namespace drawbridge {

using Listener = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

/// "host:port" or "unix:path".
std::string address_of(const HttpServerOptions& options);
Status open_listener(Listener& listener, const HttpServerOptions& options);
/// 0 for a Unix socket.
uint16_t listening_port(const Listener& listener);

}  // namespace drawbridge
