// StreamClient: thousands of streamed answers at once on one thread, each noted piece by piece with the time at which
// it was read from the socket.
//
// Connections are kept alive and used again, as clients in production do. Nothing is tried a second time, so that every
// failure is seen, with one exception: a kept connection that the server closed before it said a word of the answer.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "http/message.h"
#include "http/url.h"
#include "load/load_run.h"
#include "load/run_clock.h"

namespace drawbridge {

struct StreamClientOptions {
  Url url;              // of the endpoint
  HttpHeaders headers;  // beside Host, Content-Type and Content-Length
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(10);
  std::chrono::milliseconds read_timeout = std::chrono::seconds(300);  // without a byte
  size_t max_event_bytes = 1 << 20;
  size_t max_answer_bytes = 4 << 20;  // of its text; a longer answer is an error
};

/// A request that has ended: its record, and the answer as far as it came.
struct StreamAnswer {
  RequestRecord record;
  std::string text;
  std::string other;  // reasoning and tool fragments
};

class StreamClient {
 public:
  using OnEnd = std::function<void(StreamAnswer)>;
  using OnPiece = std::function<void(const AnswerPiece&)>;

  /// Looks the host up; kUnavailable if it has no address.
  static Result<std::unique_ptr<StreamClient>> create(boost::asio::io_context& io, const StreamClientOptions& options,
                                                      const RunClock& clock);
  ~StreamClient();

  /// Sends `body` now and calls `on_end` exactly once, never within this call.
  void send(std::string body, RequestRecord record, OnEnd on_end);
  /// Called for every piece of every answer, for whoever shows progress.
  void on_piece(OnPiece callback);
  /// Ends every request that is under way with the error "stopped".
  void stop();

 private:
  class Core;
  explicit StreamClient(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::shared_ptr<Core> core_;
};

}  // namespace drawbridge
