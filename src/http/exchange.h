// Exchange: one request being answered, either by one whole response or by a stream of bytes.
//
// Threads: every method from any thread; nothing blocks; the order of calls is kept. After the peer is gone calls are
// ignored. An exchange that is dropped unanswered is answered with 500.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/message.h"

namespace drawbridge {

class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const HttpRequest& request() const = 0;
  /// The whole answer, exactly once, instead of a stream.
  virtual void respond(HttpResponse response) = 0;
  /// Status and headers of a stream; the body is unused. Sent chunked.
  virtual void start_stream(HttpResponse head) = 0;
  virtual void write(std::string bytes) = 0;
  virtual void end_stream() = 0;
  /// Called once, on some thread, if the peer closes (also while we are silent) or leaves more than max_buffered_bytes
  /// of a stream unread before the answer has ended; at once if it is already gone.
  virtual void on_disconnect(std::function<void()> callback) = 0;
};

/// Called for each request on an io thread: must not block.
using Handler = std::function<void(std::shared_ptr<Exchange>)>;

}  // namespace drawbridge
