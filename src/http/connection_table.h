// ConnectionTable: the open connections of a server and how many of them are answering, so that it can refuse more than
// it may hold, wait for the answers in hand, and close them all.
// Threads: every method from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace drawbridge {

class ConnectionTable {
 public:
  using Closer = std::function<void()>;  // only posts
  using Id = uint64_t;

  /// Where a connection stands in the table while this lives.
  class Entry {
   public:
    Entry(ConnectionTable& table, Closer closer) : table_(table), id_(table.add(std::move(closer))) {}
    ~Entry() { table_.remove(id_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    ConnectionTable& table_;
    const Id id_;
  };

  /// One answer in hand while this lives.
  class Answering {
   public:
    explicit Answering(ConnectionTable& table) : table_(table) { table_.count_answers(+1); }
    ~Answering() { table_.count_answers(-1); }
    Answering(const Answering&) = delete;
    Answering& operator=(const Answering&) = delete;

   private:
    ConnectionTable& table_;
  };

  size_t size() const;
  /// From now on connections close after their answer.
  void start_draining() { draining_ = true; }
  bool draining() const { return draining_; }
  /// Waits until no answer is in hand; false when `limit` passed first.
  bool wait_until_answered(std::chrono::milliseconds limit);
  /// Closes every connection, later ones too, and waits until none is left.
  void close_all();

 private:
  Id add(Closer closer);
  void remove(Id id);
  void count_answers(int change);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Id, Closer> closers_;
  Id next_id_ = 0;
  int n_answers_ = 0;
  bool closing_ = false;
  std::atomic<bool> draining_{false};
};

}  // namespace drawbridge
