// WorkingSet: which cached prefixes will be wanted again. Plain LRU drops a conversation's prefix while its user reads
// the answer as soon as enough strangers pass through the cache, and then computes it again for the next turn; one step
// of load beyond the cache's size, nearly every turn does. Here the prefixes that are likely to return are kept.
//
// A conversation is known by marks: some whole pages in the second half of its last prompt. A prompt that contains the
// last of them is its next turn; one that contains another, such as a new question on the same document, goes on beside
// it. How many return after how many turns, and how soon, is learned from the traffic; those with the best chance are
// kept, up to a part of the pool, until the time by which nearly all returns have come.
// Time is whatever the caller counts; the scheduler counts computed tokens, so that an idle server forgets nothing.
// Pure. Threads: one. Invariant: a conversation has its node pinned exactly while it is kept.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "kv/radix_tree.h"

namespace drawbridge {

/// A key for each whole page of a prompt, of all its tokens up to there.
std::vector<uint64_t> prefix_keys(uint64_t domain, std::span<const int32_t> tokens, int64_t page_size);

struct WorkingSetOptions {
  int64_t n_keepable = 0;    // pages, at most
  int64_t least_memory = 0;  // time for which a conversation is remembered at least: what LRU alone would manage
};

class WorkingSet {
 public:
  /// What is known of a request that arrived: which conversation it goes on with, and how its own will be known.
  struct Visit {
    std::optional<uint64_t> from;  // a conversation's last mark
    int64_t n_shared_pages = 0;    // with it
    std::vector<uint64_t> marks;   // of this prompt, the last first; empty: it has no whole page
    int64_t n_prompt_pages = 0;    // whole ones
    int64_t n_turns = 1;
  };

  /// The tree must outlive it.
  WorkingSet(RadixTree& tree, const WorkingSetOptions& options) : tree_(tree), options_(options) {}

  Visit arrive(std::span<const uint64_t> keys, int64_t now);
  /// Whether the conversation's prefix is certainly in the cache.
  bool is_kept(const Visit& visit) const { return n_kept(visit) > 0; }
  /// Pages of that prefix.
  int64_t n_kept(const Visit& visit) const;
  /// The request ended with its pages down to `node` in the tree, and its own pin gone. Null: it never began.
  void end(const Visit& visit, RadixTree::Node* node, int64_t n_pages, int64_t now);
  /// Lets go of the kept conversation with the least chance. False: none is kept.
  bool give_up();

  /// Pages that are expected to be wanted again, kept or not. Those of shared prefixes count for each conversation.
  double expected_pages() const;
  /// Nodes that are pinned here, one for each pin.
  std::vector<RadixTree::Node*> pinned() const;

 private:
  struct Conversation {
    int64_t n_turns = 1;
    int64_t n_pages = 0;
    int64_t n_prompt_pages = 0;
    std::vector<uint64_t> marks;
    int64_t ended = 0;
    int64_t n_visits = 0;             // requests that go on with it, waiting or running
    bool has_returned = false;        // since it ended
    RadixTree::Node* node = nullptr;  // pinned; null: not kept
  };
  using Conversations = std::map<uint64_t, Conversation>;

  static constexpr size_t kTurnClasses = 8;
  static size_t turn_class(int64_t n_turns);
  double chance(const Conversation& conversation) const;
  int64_t longest_gap() const;
  void note_gap(int64_t gap);
  void leave(const Visit& visit, bool has_computed);
  void expire(int64_t now);
  void keep(Conversation& conversation, RadixTree::Node* node);
  void let_go(Conversation& conversation);
  void forget(Conversations::iterator place);
  Conversations::iterator least_likely(bool only_kept);

  RadixTree& tree_;
  const WorkingSetOptions options_;
  Conversations conversations_;           // by last mark
  std::map<uint64_t, uint64_t> by_mark_;  // the last mark of the newest conversation with this one
  std::array<int64_t, kTurnClasses> n_ended_{}, n_returned_{};
  double gap_mean_ = 0, gap_deviation_ = 0;
  int64_t n_gaps_ = 0;
};

}  // namespace drawbridge
