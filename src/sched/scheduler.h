// Scheduler: who computes what in the next step. There is no prefill phase and no decode phase: a request wants its
// known minus its computed tokens, and a step's token budget grants part of that. Requests that want one token go
// first, so that long prompts never stall running answers.
//
// Pure: no clock, no device; the same calls give the same plans. Threads: one.
// Invariants: computed <= known <= max for each request; a request's pages cover its computed tokens; every page has
// one owner. The oldest request always progresses, because any request fits the pool alone (add() checks).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "kv/page_pool.h"
#include "sched/plan.h"

namespace drawbridge {

struct SchedulerOptions {
  int64_t n_pages = 0;
  int64_t page_size = 16;    // tokens
  int64_t max_running = 32;  // requests
  int64_t max_step_tokens = 512;
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerOptions& options);

  /// Queues a request of n_prompt tokens that may grow to n_max. kOutOfRange when the pool could never hold it.
  Status add(RequestId id, int64_t n_prompt, int64_t n_max);
  /// Decides the next step and reserves its pages. Call commit() before the next next().
  Plan next();
  /// The plan was carried out: its tokens are computed, and each granted request that wanted logits knows one more.
  void commit(const Plan& plan);
  /// Ends a request in any state and frees its pages at once.
  void remove(RequestId id);

  /// Page of each page_size tokens of a request.
  std::span<const int32_t> pages(RequestId id) const;
  int64_t n_running() const { return static_cast<int64_t>(running_.size()); }
  int64_t n_waiting() const { return static_cast<int64_t>(waiting_.size()); }
  const PagePool& pool() const { return pool_; }
  Status check_integrity() const;

 private:
  struct Entry {
    int64_t n_known = 0;
    int64_t n_computed = 0;
    int64_t n_max = 0;
    std::vector<int32_t> pages;
  };

  Entry& entry(RequestId id);
  void admit();
  void grant(RequestId id, int64_t& budget, Plan& plan);
  bool reserve(RequestId id, int64_t n_tokens, Plan& plan);
  void preempt(RequestId id, Plan& plan);

  SchedulerOptions options_;
  PagePool pool_;
  std::map<RequestId, Entry> entries_;
  std::vector<RequestId> running_;  // oldest first
  std::deque<RequestId> waiting_;   // next first
};

}  // namespace drawbridge
