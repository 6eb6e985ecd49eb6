#include "http/outbox.h"

#include <exception>
#include <utility>

#include "base/log.h"

namespace drawbridge {

void Outbox::push(std::string_view bytes, Bound bound) {
  const std::lock_guard lock(mutex_);
  if (closed_ || finished_ || bytes.empty()) return;
  if (bound == Bound::kBounded && pending_.size() + n_in_flight_ + bytes.size() > max_bytes_) {
    closed_ = true;
    std::string().swap(pending_);
    return signals_.cut();
  }
  const bool was_empty = pending_.empty();
  pending_ += bytes;
  if (was_empty) signals_.wake();
}

void Outbox::finish() {
  std::function<void()> dropped;  // what it holds is freed after the lock
  const std::lock_guard lock(mutex_);
  finished_ = true;
  dropped.swap(on_gone_);
  if (!closed_) signals_.wake();
}

void Outbox::abort() {
  std::function<void()> dropped;
  const std::lock_guard lock(mutex_);
  finished_ = true;
  dropped.swap(on_gone_);
  if (!closed_) signals_.cut();
}

void Outbox::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    if (!gone_) {
      on_gone_ = std::move(callback);
      return;
    }
  }
  callback();
}

bool Outbox::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

Outbox::State Outbox::take(std::string& bytes) {
  const std::lock_guard lock(mutex_);
  bytes.clear();
  bytes.swap(pending_);
  n_in_flight_ = bytes.size();
  if (!bytes.empty()) return State::kBytes;
  return finished_ ? State::kFinished : State::kEmpty;
}

void Outbox::close(bool gone) {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    std::string().swap(pending_);
    if (!gone) return;
    gone_ = true;
    callback.swap(on_gone_);
  }
  if (!callback) return;
  try {
    callback();
  } catch (const std::exception& error) {
    spdlog::error("http disconnect callback failed error=\"{}\"", error.what());
  }
}

}  // namespace drawbridge
