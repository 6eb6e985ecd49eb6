#include "load/stream_client.h"

#include <boost/asio/steady_timer.hpp>

#include <unordered_set>
#include <utility>
#include <vector>

#include "load/client_connection.h"

namespace drawbridge {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Timeouts are of seconds: one sweep over all calls is cheaper than a timer that every piece sets anew.
constexpr auto kSweepPeriod = std::chrono::milliseconds(50);

double seconds(std::chrono::milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

class StreamClient::Core : public ClientConnection::Owner, public std::enable_shared_from_this<Core> {
 public:
  using Call = ClientConnection::Call;
  using ConnectionPtr = std::shared_ptr<ClientConnection>;

  Core(asio::io_context& io, const StreamClientOptions& options, const RunClock& clock)
      : io_(io), options_(options), clock_(clock), sweep_timer_(io) {}

  Status resolve();
  void send(std::string body, RequestRecord record, OnEnd on_end);
  void stop();
  void shut_down();

  void on_call_end(const ConnectionPtr& connection, std::shared_ptr<Call> call) override;
  void on_stale(const ConnectionPtr& connection, std::shared_ptr<Call> call) override;

  OnPiece on_piece;

 private:
  ConnectionPtr idle_connection();
  void start(std::shared_ptr<Call> call, const ConnectionPtr& connection);
  void schedule_sweep();
  void sweep();

  asio::io_context& io_;
  const StreamClientOptions options_;
  const RunClock& clock_;
  ClientConnection::Endpoints endpoints_;
  std::string head_;  // of a request, up to its length
  std::unordered_set<ConnectionPtr> busy_;
  std::vector<ConnectionPtr> idle_;  // the last used is the next to be used
  asio::steady_timer sweep_timer_;
  bool is_sweeping_ = false;
};

Status StreamClient::Core::resolve() {
  DB_TRY(check_header_values(options_.headers));
  boost::system::error_code error;
  tcp::resolver resolver(io_);
  endpoints_ = resolver.resolve(options_.url.host, std::to_string(options_.url.port), error);
  if (error) {
    return fail(Code::kUnavailable, "{}: cannot find the host: {}", options_.url.authority(), error.message());
  }
  head_ = fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n", options_.url.target,
                      options_.url.authority());
  for (const auto& [name, value] : options_.headers) head_ += fmt::format("{}: {}\r\n", name, value);
  return Status();
}

void StreamClient::Core::send(std::string body, RequestRecord record, OnEnd on_end) {
  auto call = std::make_shared<Call>();
  call->bytes = fmt::format("{}Content-Length: {}\r\n\r\n{}", head_, body.size(), body);
  call->answer.record = std::move(record);
  call->answer.record.sent_s = clock_.now_s();
  call->on_end = std::move(on_end);
  start(std::move(call), idle_connection());
}

void StreamClient::Core::start(std::shared_ptr<Call> call, const ConnectionPtr& connection) {
  busy_.insert(connection);
  connection->start(std::move(call), endpoints_);
  schedule_sweep();
}

StreamClient::Core::ConnectionPtr StreamClient::Core::idle_connection() {
  while (!idle_.empty()) {
    ConnectionPtr connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_fresh()) return connection;
  }
  return std::make_shared<ClientConnection>(io_, options_, clock_, on_piece, *this);
}

void StreamClient::Core::on_call_end(const ConnectionPtr& connection, std::shared_ptr<Call> call) {
  busy_.erase(connection);
  if (connection->keeps_alive()) idle_.push_back(connection);
  call->on_end(std::move(call->answer));
}

void StreamClient::Core::on_stale(const ConnectionPtr& connection, std::shared_ptr<Call> call) {
  busy_.erase(connection);
  call->is_second_try = true;
  start(std::move(call), std::make_shared<ClientConnection>(io_, options_, clock_, on_piece, *this));
}

void StreamClient::Core::schedule_sweep() {
  if (is_sweeping_ || busy_.empty()) return;
  is_sweeping_ = true;
  sweep_timer_.expires_after(kSweepPeriod);
  sweep_timer_.async_wait([self = shared_from_this()](const boost::system::error_code&) { self->sweep(); });
}

void StreamClient::Core::sweep() {
  is_sweeping_ = false;
  const double now_s = clock_.now_s();
  std::vector<std::pair<ConnectionPtr, std::string>> late;
  for (const ConnectionPtr& connection : busy_) {
    const bool connecting = connection->is_connecting();
    const auto limit = connecting ? options_.connect_timeout : options_.read_timeout;
    if (now_s - connection->call()->last_byte_s < seconds(limit)) continue;
    late.emplace_back(connection,
                      fmt::format("timeout: {} for {} ms", connecting ? "no connection" : "not a byte", limit.count()));
  }
  for (const auto& [connection, error] : late) connection->abort(error);
  schedule_sweep();
}

void StreamClient::Core::stop() {
  const std::vector<ConnectionPtr> connections(busy_.begin(), busy_.end());
  for (const ConnectionPtr& connection : connections) connection->abort("stopped");
}

void StreamClient::Core::shut_down() {
  for (const ConnectionPtr& connection : busy_) connection->drop();
  busy_.clear();
  idle_.clear();
  sweep_timer_.cancel();
}

Result<std::unique_ptr<StreamClient>> StreamClient::create(asio::io_context& io, const StreamClientOptions& options,
                                                           const RunClock& clock) {
  auto core = std::make_shared<Core>(io, options, clock);
  DB_TRY(core->resolve());
  return std::unique_ptr<StreamClient>(new StreamClient(std::move(core)));
}

StreamClient::~StreamClient() {
  core_->shut_down();
}

void StreamClient::send(std::string body, RequestRecord record, OnEnd on_end) {
  core_->send(std::move(body), std::move(record), std::move(on_end));
}

void StreamClient::on_piece(OnPiece callback) {
  core_->on_piece = std::move(callback);
}

void StreamClient::stop() {
  core_->stop();
}

}  // namespace drawbridge
