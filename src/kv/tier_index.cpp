#include "kv/tier_index.h"

#include <algorithm>
#include <vector>

#include "base/sha256.h"

namespace drawbridge {

std::string first_page_parent(uint64_t domain) {
  return fmt::format("domain {:016x}", domain);
}

std::string page_key(const std::string& parent, std::span<const int32_t> tokens) {
  Sha256 hash;
  hash.add(parent);
  hash.add(std::as_bytes(tokens));
  return hash.digest();
}

TierIndex::TierIndex(int64_t n_slots) : n_slots_(n_slots) {
  for (int64_t slot = 0; slot < n_slots; ++slot) free_.insert(free_.end(), static_cast<int32_t>(slot));
}

std::optional<int32_t> TierIndex::find(const std::string& key) {
  const auto held = by_key_.find(key);
  if (held == by_key_.end()) return std::nullopt;
  by_use_.splice(by_use_.end(), by_use_, held->second);
  return held->second->slot;
}

std::optional<int32_t> TierIndex::place(const std::string& key) {
  if (n_slots_ == 0 || find(key)) return std::nullopt;
  if (free_.empty()) forget(by_use_.front().slot);
  const int32_t slot = *free_.begin();
  restore(key, slot);
  return slot;
}

void TierIndex::restore(const std::string& key, int32_t slot) {
  DB_CHECK(free_.erase(slot) == 1 && !by_key_.contains(key));
  by_key_[key] = by_use_.insert(by_use_.end(), {key, slot});
}

void TierIndex::forget(int32_t slot) {
  const auto held = std::find_if(by_use_.begin(), by_use_.end(), [&](const Held& h) { return h.slot == slot; });
  if (held == by_use_.end()) return;
  by_key_.erase(held->key);
  by_use_.erase(held);
  free_.insert(slot);
}

Status TierIndex::check_integrity() const {
  std::vector<int32_t> slots(free_.begin(), free_.end());
  for (const Held& held : by_use_) {
    slots.push_back(held.slot);
    const auto found = by_key_.find(held.key);
    if (found == by_key_.end() || found->second->slot != held.slot) {
      return fail(Code::kInternal, "slot {}: its page is not found by name", held.slot);
    }
  }
  std::sort(slots.begin(), slots.end());
  for (int64_t slot = 0; slot < n_slots_; ++slot) {
    if (static_cast<int64_t>(slots.size()) == n_slots_ && slots[static_cast<size_t>(slot)] == slot) continue;
    return fail(Code::kInternal, "a tier of {} slots has {} free, {} used, one lost or twice", n_slots_, free_.size(),
                by_use_.size());
  }
  return Status();
}

}  // namespace drawbridge
