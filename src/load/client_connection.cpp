#include "load/client_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace drawbridge {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

void ClientConnection::start(std::shared_ptr<Call> call, const Endpoints& endpoints) {
  call_ = std::move(call);
  reader_.emplace(options_, on_piece_);
  keeps_alive_ = is_written_ = false;
  call_->last_byte_s = clock_.now_s();
  if (is_open_) return write();
  asio::async_connect(socket_, endpoints, [self = shared_from_this()](const error_code& error, const tcp::endpoint&) {
    self->connected(error);
  });
}

void ClientConnection::connected(const error_code& error) {
  if (!call_) return;
  if (error) return finish("cannot connect: " + error.message());
  is_open_ = true;
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  call_->last_byte_s = clock_.now_s();
  write();
}

/// Reads from here on too: a server may refuse a request before it has read all of it.
void ClientConnection::write() {
  const auto written = [self = shared_from_this(), call = call_](const error_code& error, size_t) {
    if (self->call_ == call) self->is_written_ = !error;  // what went wrong is seen by the reading side
  };
  asio::async_write(socket_, asio::buffer(call_->bytes), written);
  read();
}

void ClientConnection::read() {
  socket_.async_read_some(asio::buffer(buffer_),
                          [self = shared_from_this(), call = call_](const error_code& error, size_t n_bytes) {
                            if (self->call_ == call) self->take(error, n_bytes);
                          });
}

void ClientConnection::take(const error_code& error, size_t n_bytes) {
  StreamAnswer& answer = call_->answer;
  if (error) {
    if (was_used_ && !reader_->has_begun() && !call_->is_second_try) {
      close();
      reader_.reset();
      return owner_.on_stale(shared_from_this(), std::exchange(call_, nullptr));
    }
    if (error != asio::error::eof) return finish("connection lost: " + error.message());
    reader_->feed_end(answer);
    return finish("");
  }
  const double now_s = clock_.now_s();
  call_->last_byte_s = now_s;
  reader_->feed({buffer_.data(), n_bytes}, now_s, answer);
  if (reader_->done(answer)) return finish("");
  read();
}

void ClientConnection::finish(const std::string& error) {
  RequestRecord& record = call_->answer.record;
  record.end_s = clock_.now_s();
  if (record.error.empty()) record.error = error;
  reader_->judge(record);
  keeps_alive_ = is_open_ && is_written_ && record.succeeded() && reader_->keeps_alive();
  if (!keeps_alive_) close();
  was_used_ = true;
  reader_.reset();
  owner_.on_call_end(shared_from_this(), std::exchange(call_, nullptr));
}

void ClientConnection::abort(const std::string& error) {
  if (call_) finish(error);
}

void ClientConnection::drop() {
  close();
  call_.reset();
  reader_.reset();
}

bool ClientConnection::is_fresh() {
  char byte = 0;
  const ssize_t n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void ClientConnection::close() {
  is_open_ = false;
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace drawbridge
