// Scheduler: who computes what in the next step. There is no prefill phase and no decode phase: a request wants its
// known minus its computed tokens, and a step's token budget grants part of that. Requests that want one token go
// first, so that long prompts never stall running answers; then the oldest prompt gets half of the rest and the others
// the other half, shortest first, so that a short prompt does not wait for a long one.
//
// Pages of computed tokens go into the prefix cache as soon as they are full, and stay there when their request ends
// or is preempted, until others need them. A request begins with the longest cached prefix of its tokens: whole pages
// shared, a part of one copied.
//
// Pure: no clock, no device; the same calls give the same plans. Threads: one.
// Invariants: computed <= known <= max for each request; a request's pages cover its computed tokens; every page is
// free, cached or one request's. The oldest request always progresses, because any request fits the pool alone (add()
// checks).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "kv/page_pool.h"
#include "kv/radix_tree.h"
#include "kv/tier_index.h"
#include "sched/plan.h"
#include "sched/waiting_queue.h"
#include "sched/working_set.h"

namespace drawbridge {

struct SchedulerOptions {
  int64_t n_pages = 0;
  int64_t page_size = 16;    // tokens
  int64_t max_running = 32;  // requests
  int64_t max_step_tokens = 512;
  int64_t spare_logit_rows = 32;  // of a step, beside one for each running request
  bool prefix_cache = true;
  int64_t max_passed = 1024;  // later requests that are admitted before one that waits; 0: in order of arrival
  double kept_share = 0.75;   // of the pages, at most, for conversations that are likely to go on; 0: plain LRU
  int64_t n_host_slots = 0;   // pages of the host tier, which takes what is evicted
  int64_t n_disk_slots = 0;   // pages of the disk tier, which takes every page once
};

struct SchedulerRequest {
  std::span<const int32_t> prompt;  // not empty; copied
  int64_t n_max = 0;                // tokens that it may grow to
  uint64_t domain = 0;              // of the prefix cache
  bool prompt_logits = false;       // of every prompt token, so that none may come from the cache
  RequestClass request_class = {};
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerOptions& options);

  /// Queues a request. kOutOfRange when the pool could never hold it.
  Status add(RequestId id, const SchedulerRequest& request);
  /// Decides the next step and reserves its pages. Call commit() before the next next().
  Plan next();
  /// The plan was carried out: its tokens are computed, and each grant that samples, in order, knows one more.
  void commit(const Plan& plan, std::span<const int32_t> sampled);
  /// Ends a request in any state, not between next() and commit(). Its pages are free or cached at once.
  void remove(RequestId id);
  /// Takes a running request's pages as a lack of them would, not between next() and commit(). It begins again.
  void preempt(RequestId id);
  /// Token budget of the steps from now on, at most that of the options.
  void limit_step(int64_t max_tokens);

  /// Before commit(): a copy of the plan could not be read from its tier. Its request is taken out of the plan and
  /// begins again, and the slot counts as empty.
  void retract(const PageCopy& lost, Plan& plan);
  /// A slot of the disk tier holds this page since before the start; the longest unused first.
  void restore_disk_page(const std::string& name, int32_t slot) { disk_.restore(name, slot); }
  /// Whether next() has copies to order although nobody wants a token.
  bool has_unwritten_pages() const { return !unwritten_.empty(); }

  /// Page of each page_size tokens of a request.
  std::span<const int32_t> pages(RequestId id) const;
  /// All known tokens of a request.
  std::span<const int32_t> tokens(RequestId id) const;
  /// Oldest first.
  std::span<const RequestId> running() const { return running_; }
  int64_t n_running() const { return static_cast<int64_t>(running_.size()); }
  int64_t n_waiting() const { return queue_.n_waiting(); }
  /// Pages that no request holds: free ones, and cached ones that may be evicted.
  int64_t n_available() const { return pool_.n_free() + tree_.n_cached() - tree_.n_pinned() + tree_.n_only_kept(); }
  const PagePool& pool() const { return pool_; }
  const RadixTree& tree() const { return tree_; }
  /// Pages that requests hold or that are expected to be wanted again, for each page of the pool: above 1, prefixes
  /// will be computed again.
  double working_set_ratio() const;
  const TierIndex& host() const { return host_; }
  const TierIndex& disk() const { return disk_; }
  Status check_integrity() const;

 private:
  struct Entry {
    std::vector<int32_t> tokens;  // known ones
    int64_t n_prompt = 0;
    int64_t n_max = 0;
    uint64_t domain = 0;
    int64_t n_without_logits = 0;  // leading tokens whose logits nobody wants, or that were given
    int64_t n_computed = 0;
    std::vector<int32_t> pages;
    int64_t n_shared = 0;             // of these, from the front, are the tree's
    RadixTree::Node* node = nullptr;  // pinned: of the last shared page, or the root; null while waiting
    WorkingSet::Visit visit;
    bool is_loading = false;  // until commit() it is not known whether its slower tiers could be read

    int64_t n_known() const { return static_cast<int64_t>(tokens.size()); }
    int64_t n_missing() const { return n_known() - n_computed; }
  };

  /// What is left of a step.
  struct Budget {
    int64_t n_tokens = 0;
    int64_t spare_logit_rows = 0;
  };

  Entry& entry(RequestId id);
  const Entry& entry(RequestId id) const;
  bool is_running(RequestId id) const;
  void admit(Plan& plan);
  Admission admission(RequestId id, bool is_aged, int64_t& n_free);
  int64_t n_unpromised() const;
  bool start(RequestId id, Plan& plan);
  void grant_prompts(std::vector<RequestId> prompts, Budget& budget, Plan& plan);
  void grant(RequestId id, int64_t most, Budget& budget, Plan& plan);
  void load_pages(Entry& e, int64_t n_matchable, Start& start, Plan& plan);
  void write_pages(Plan& plan);
  bool reserve(RequestId id, int64_t n_tokens, Plan& plan);
  std::optional<int32_t> take_page(Plan& plan);
  void share_full_pages(Entry& e);
  void leave(Entry& e);

  SchedulerOptions options_;
  PagePool pool_;
  RadixTree tree_;
  TierIndex host_, disk_;
  std::vector<RadixTree::NamedPage> unwritten_;  // pages that the tree took since the last plan
  std::map<RequestId, Entry> entries_;
  std::vector<RequestId> running_;  // oldest first
  WaitingQueue queue_;              // knows every request
  WorkingSet working_set_;
  int64_t n_computed_ = 0;  // tokens since the start: the working set's clock
  int64_t max_step_tokens_ = 0;
};

}  // namespace drawbridge
