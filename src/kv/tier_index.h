// TierIndex: which cached pages lie in which slots of a slower tier, host memory or disk. A page is named by the
// SHA-256 of all tokens up to its last and of its cache domain (page_key), so that it is found without a tree, and
// after a restart. Integers and names only; the bytes are the engine's. Threads: one.
// Invariants: every slot is free or one page's; a full tier gives the longest unused slot to the next page.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>

#include "base/result.h"

namespace drawbridge {

/// 64 hexadecimal digits: of the page behind the one of key `parent`, or of the first page of a domain.
std::string page_key(const std::string& parent, std::span<const int32_t> tokens);
std::string first_page_parent(uint64_t domain);

class TierIndex {
 public:
  explicit TierIndex(int64_t n_slots);

  int64_t n_slots() const { return n_slots_; }
  int64_t n_used() const { return static_cast<int64_t>(by_key_.size()); }
  /// The slot of a page, which counts as a use.
  std::optional<int32_t> find(const std::string& key);
  /// The slot to store a page in; nothing if it is there already, or the tier has no slots.
  std::optional<int32_t> place(const std::string& key);
  /// The page is what a slot holds since before the start. Later calls are later uses.
  void restore(const std::string& key, int32_t slot);
  /// What the slot holds cannot be read.
  void forget(int32_t slot);
  Status check_integrity() const;

 private:
  struct Held {
    std::string key;
    int32_t slot;
  };
  using Place = std::list<Held>::iterator;

  int64_t n_slots_;
  std::list<Held> by_use_;  // the longest unused first
  std::unordered_map<std::string, Place> by_key_;
  std::set<int32_t> free_;
};

}  // namespace drawbridge
