#include "http/listener.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <cerrno>
#include <filesystem>

#include "http/tcp_endpoint.h"

namespace drawbridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

Status cannot_listen(const HttpServerOptions& options, const ErrorCode& code, const char* advice) {
  return fail(Code::kUnavailable, "cannot listen on {}: {}: {}", address_of(options), code.message(), advice);
}

const char* bind_advice(const ErrorCode& code) {
  if (code == asio::error::address_in_use) return "end the process that has it, or choose another port (0: any free)";
  if (code == asio::error::access_denied) return "ports below 1024 need privileges; choose a higher one";
  return "choose an address of this machine, such as 127.0.0.1 or 0.0.0.0";
}

Status open_tcp(Listener& listener, const HttpServerOptions& options) {
  ErrorCode code;
  asio::io_context io;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, code);
  if (code) return cannot_listen(options, code, "wanted an IP address or a host name of this machine");
  const tcp::endpoint endpoint = found.begin()->endpoint();
  listener.open(endpoint.protocol(), code);
  if (!code) listener.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code) listener.bind(endpoint, code);
  if (!code) listener.listen(Listener::max_listen_connections, code);
  if (code) return cannot_listen(options, code, bind_advice(code));
  return Status();
}

/// A process that was killed leaves its socket behind: one that nobody answers on.
void remove_abandoned(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_socket(path, ignored)) return;  // connecting to a file is refused as well
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  ErrorCode code;
  socket.connect({path}, code);
  if (code == asio::error::connection_refused) ::unlink(path.c_str());
}

Status open_unix(Listener& listener, const HttpServerOptions& options) {
  const std::string& path = options.unix_path;
  if (path.size() >= sizeof(sockaddr_un{}.sun_path)) {
    return fail(Code::kInvalidArgument, "{}: wanted a path shorter than {} bytes", address_of(options),
                sizeof(sockaddr_un{}.sun_path));
  }
  remove_abandoned(path);
  const asio::local::stream_protocol::endpoint endpoint(path);
  ErrorCode code;
  listener.open(endpoint.protocol(), code);
  if (!code) listener.bind(endpoint, code);
  if (!code && ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) code.assign(errno, boost::system::system_category());
  if (!code) listener.listen(Listener::max_listen_connections, code);  // not before the mode is right
  if (code) return cannot_listen(options, code, "wanted a path where this user may make a socket and nothing is");
  return Status();
}

}  // namespace

std::string address_of(const HttpServerOptions& options) {
  if (!options.unix_path.empty()) return "unix:" + options.unix_path;
  return fmt::format("{}:{}", options.host, options.port);
}

Status open_listener(Listener& listener, const HttpServerOptions& options) {
  return options.unix_path.empty() ? open_tcp(listener, options) : open_unix(listener, options);
}

uint16_t listening_port(const Listener& listener) {
  const auto endpoint = tcp_endpoint(listener.local_endpoint());
  return endpoint ? endpoint->port() : 0;
}

}  // namespace drawbridge
