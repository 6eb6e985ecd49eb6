// Outbox: bytes of one answer on their way from any thread to its connection.
//
// Invariants: at most `max_bytes` of bounded pushes are held unsent, else the outbox overflows, which counts as a peer
// that is gone. `on_gone` is called at most once, and never after finish(). Once closed, the connection is never
// touched. Threads: the producer's half from any thread, the connection's half from its strand.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace drawbridge {

class Outbox {
 public:
  /// How the connection hears of the outbox. Called under its lock: they only post.
  struct Signals {
    std::function<void()> wake;  // there is something to take
    std::function<void()> cut;   // the connection must end at once: the answer can never be whole
  };
  Outbox(size_t max_bytes, Signals signals) : max_bytes_(max_bytes), signals_(std::move(signals)) {}

  // Producer's half.
  enum class Bound { kBounded, kUnbounded };
  void push(std::string_view bytes, Bound bound);
  /// No more bytes will come: the answer has ended.
  void finish();
  /// No more bytes will come though the answer has not ended.
  void abort();
  void on_gone(std::function<void()> callback);
  /// Nobody is left to send to.
  bool closed() const;

  // Connection's half.
  enum class State { kEmpty, kBytes, kFinished };
  /// Moves what is pending into `bytes`, whose former content counts as sent.
  State take(std::string& bytes);
  /// The connection is done with this answer; `gone`: it was not delivered.
  void close(bool gone);

 private:
  const size_t max_bytes_;
  mutable std::mutex mutex_;
  Signals signals_;
  std::function<void()> on_gone_;
  std::string pending_;
  size_t n_in_flight_ = 0;
  bool finished_ = false;  // or aborted
  bool closed_ = false;
  bool gone_ = false;
};

}  // namespace drawbridge
