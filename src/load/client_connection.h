// ClientConnection: one TCP connection of a StreamClient, which carries one request after the other.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "load/answer_reader.h"
#include "load/run_clock.h"

namespace drawbridge {

class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  using Endpoints = boost::asio::ip::tcp::resolver::results_type;

  /// One request on its way; shared so that it can move to another connection.
  struct Call {
    std::string bytes;  // head and body
    StreamAnswer answer;
    std::function<void(StreamAnswer)> on_end;
    double last_byte_s = 0;
    bool is_second_try = false;
  };

  /// What the client is told: the call is over, or a kept connection turned out to be closed and it must be sent again.
  struct Owner {
    virtual ~Owner() = default;
    virtual void on_call_end(const std::shared_ptr<ClientConnection>& connection, std::shared_ptr<Call> call) = 0;
    virtual void on_stale(const std::shared_ptr<ClientConnection>& connection, std::shared_ptr<Call> call) = 0;
  };

  ClientConnection(boost::asio::io_context& io, const StreamClientOptions& options, const RunClock& clock,
                   const StreamClient::OnPiece& on_piece, Owner& owner)
      : socket_(io), options_(options), clock_(clock), on_piece_(on_piece), owner_(owner) {}

  /// Connects first if it has to. Results come through the owner, never within this call.
  void start(std::shared_ptr<Call> call, const Endpoints& endpoints);
  /// Ends the call under way with this error, if there is one.
  void abort(const std::string& error);
  /// Forgets the call under way; nobody is told.
  void drop();
  /// Without a request under way: the server has neither closed it nor sent anything.
  bool is_fresh();
  /// May be used again.
  bool keeps_alive() const { return keeps_alive_; }
  const Call* call() const { return call_.get(); }
  bool is_connecting() const { return call_ && !is_open_; }

 private:
  void connected(const boost::system::error_code& error);
  void write();
  void read();
  void take(const boost::system::error_code& error, size_t n_bytes);
  void finish(const std::string& error);
  void close();

  boost::asio::ip::tcp::socket socket_;
  const StreamClientOptions& options_;
  const RunClock& clock_;
  const StreamClient::OnPiece& on_piece_;
  Owner& owner_;
  std::shared_ptr<Call> call_;
  std::optional<AnswerReader> reader_;
  bool is_open_ = false;
  bool is_written_ = false;
  bool keeps_alive_ = false;
  bool was_used_ = false;
  std::array<char, 16 << 10> buffer_;
};

}  // namespace drawbridge
