#include "http/connection_table.h"

namespace drawbridge {

size_t ConnectionTable::size() const {
  const std::lock_guard lock(mutex_);
  return closers_.size();
}

bool ConnectionTable::wait_until_answered(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return n_answers_ == 0; });
}

void ConnectionTable::close_all() {
  std::map<Id, Closer> closers;
  std::unique_lock lock(mutex_);
  closing_ = true;
  closers = closers_;
  lock.unlock();  // a closer may drop the last reference to its connection, which then removes itself
  for (const auto& [id, closer] : closers) closer();
  lock.lock();
  changed_.wait(lock, [this] { return closers_.empty(); });
}

ConnectionTable::Id ConnectionTable::add(Closer closer) {
  const std::lock_guard lock(mutex_);
  if (closing_) closer();
  closers_.emplace(next_id_, std::move(closer));
  return next_id_++;
}

void ConnectionTable::remove(Id id) {
  const std::lock_guard lock(mutex_);
  closers_.erase(id);
  changed_.notify_all();
}

void ConnectionTable::count_answers(int change) {
  const std::lock_guard lock(mutex_);
  n_answers_ += change;
  changed_.notify_all();
}

}  // namespace drawbridge
