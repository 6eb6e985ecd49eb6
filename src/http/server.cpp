#include "http/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

#include "base/log.h"
#include "http/connection.h"
#include "http/listener.h"
#include "http/response_format.h"

namespace drawbridge {
namespace {

namespace asio = boost::asio;

// Beyond max_connections so many more are told that they are refused; further ones are closed without a word.
constexpr size_t kMaxRefusing = 64;
// Between attempts to accept when the process is out of file descriptors.
constexpr std::chrono::milliseconds kAcceptPause{100};

HttpResponse too_many_connections(int max_connections) {
  HttpResponse response =
      error_response(503, fmt::format("all {} connections are in use: try again later", max_connections));
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

class HttpServer::Core {
 public:
  Core(const HttpServerOptions& options, Handler handler) : acceptor_(asio::make_strand(io_)) {
    context_.options = options;
    context_.handler = std::move(handler);
  }
  ~Core() { stop(std::chrono::milliseconds(0)); }

  Status start();
  void stop_accepting();
  void stop(std::chrono::milliseconds grace);
  uint16_t port() const { return port_; }
  size_t n_connections() const { return context_.table.size(); }

 private:
  asio::awaitable<void> accept_loop();
  void accept(StreamSocket socket);
  void run_io();

  ServerContext context_;
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  Listener acceptor_;
  uint16_t port_ = 0;
  std::vector<std::thread> threads_;
};

Status HttpServer::Core::start() {
  DB_TRY(open_listener(acceptor_, context_.options));
  port_ = listening_port(acceptor_);
  asio::co_spawn(acceptor_.get_executor(), accept_loop(), asio::detached);
  for (int i = 0; i < std::max(1, context_.options.n_threads); ++i) threads_.emplace_back([this] { run_io(); });
  return Status();
}

asio::awaitable<void> HttpServer::Core::accept_loop() {
  asio::steady_timer pause(acceptor_.get_executor());
  while (acceptor_.is_open()) {
    const asio::any_io_executor strand = asio::make_strand(io_);
    auto [code, socket] = co_await acceptor_.async_accept(strand, asio::as_tuple(asio::use_awaitable));
    if (!code) {
      accept(std::move(socket));
    } else if (acceptor_.is_open()) {
      spdlog::warn("http accept failed error=\"{}\"", code.message());
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(asio::use_awaitable);
    }
  }
}

void HttpServer::Core::accept(StreamSocket socket) {
  const size_t n_open = context_.table.size();
  const auto limit = static_cast<size_t>(context_.options.max_connections);
  if (n_open >= limit + kMaxRefusing) return;
  const auto connection = std::make_shared<Connection>(std::move(socket), context_);
  if (n_open < limit) {
    connection->start();
  } else {
    connection->start_refusing(too_many_connections(context_.options.max_connections));
  }
}

/// An io thread outlives whatever a completion handler throws.
void HttpServer::Core::run_io() {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& error) {
      spdlog::error("http io thread survived error=\"{}\"", error.what());
    } catch (...) {
      spdlog::error("http io thread survived error=\"not a std::exception\"");
    }
  }
}

void HttpServer::Core::stop_accepting() {
  if (threads_.empty()) return;
  const auto close = [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    if (!context_.options.unix_path.empty()) ::unlink(context_.options.unix_path.c_str());
  };
  asio::post(acceptor_.get_executor(), asio::use_future(close)).get();
}

void HttpServer::Core::stop(std::chrono::milliseconds grace) {
  if (threads_.empty()) return;
  stop_accepting();
  context_.table.start_draining();
  if (!context_.table.wait_until_answered(grace))
    spdlog::warn("http grace of {} ms passed with answers unfinished", grace.count());
  context_.table.close_all();
  work_.reset();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

HttpServer::HttpServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, Handler handler) {
  try {
    auto core = std::make_unique<Core>(options, std::move(handler));
    DB_TRY(core->start());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
  } catch (const std::exception& error) {  // of Asio or the thread library: out of descriptors, threads or memory
    return fail(Code::kResourceExhausted, "cannot serve on {}: {}", address_of(options), error.what());
  }
}

uint16_t HttpServer::port() const {
  return core_->port();
}

size_t HttpServer::n_connections() const {
  return core_->n_connections();
}

void HttpServer::stop_accepting() {
  core_->stop_accepting();
}

void HttpServer::stop(std::chrono::milliseconds grace) {
  core_->stop(grace);
}

}  // namespace drawbridge
