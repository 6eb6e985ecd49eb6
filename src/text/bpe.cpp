#include "text/bpe.h"

#include <bit>
#include <queue>
#include <tuple>

#include "base/check.h"

namespace drawbridge {
namespace {

uint64_t pair_key(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

size_t hash_key(uint64_t key) {
  key *= 0x9e3779b97f4a7c15u;
  return static_cast<size_t>(key ^ (key >> 32));
}

struct Symbol {
  int32_t id;  // -1 once merged into its left neighbour
  int32_t previous;
  int32_t next;
};

struct Candidate {
  int32_t rank;
  int32_t position;
  int32_t left;  // ids when queued: a candidate whose symbols changed is stale
  int32_t right;
  int32_t result;

  bool operator>(const Candidate& other) const {
    return std::tie(rank, position) > std::tie(other.rank, other.position);
  }
};

}  // namespace

BpeModel::BpeModel(TokenMap ids, const std::vector<BpeMerge>& merges, bool ignore_merges)
    : ids_(std::move(ids)), ignore_merges_(ignore_merges) {
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = id_of(std::string(1, static_cast<char>(byte))).value_or(-1);
  }
  slots_.resize(std::bit_ceil(2 * merges.size() + 2));
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const BpeMerge& merge = merges[rank];
    const uint64_t key = pair_key(merge.left, merge.right);
    size_t at = hash_key(key) & (slots_.size() - 1);
    while (slots_[at].key != UINT64_MAX && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {key, static_cast<int32_t>(rank), merge.result};
  }
}

std::optional<int32_t> BpeModel::id_of(std::string_view bytes) const {
  const auto found = ids_.find(bytes);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const BpeModel::Slot* BpeModel::find(int32_t left, int32_t right) const {
  const uint64_t key = pair_key(left, right);
  for (size_t at = hash_key(key) & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].key == key) return &slots_[at];
    if (slots_[at].key == UINT64_MAX) return nullptr;
  }
}

void BpeModel::encode(std::string_view piece, std::vector<int32_t>& out) const {
  if (ignore_merges_) {
    if (const auto whole = id_of(piece)) {
      out.push_back(*whole);
      return;
    }
  }
  merge(piece, out);
}

void BpeModel::merge(std::string_view piece, std::vector<int32_t>& out) const {
  const auto n = static_cast<int32_t>(piece.size());
  std::vector<Symbol> symbols(piece.size());
  for (int32_t i = 0; i < n; ++i) {
    const int32_t id = byte_ids_[static_cast<uint8_t>(piece[static_cast<size_t>(i)])];
    DB_CHECK(id >= 0);
    symbols[static_cast<size_t>(i)] = {id, i - 1, i + 1 < n ? i + 1 : -1};
  }
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](int32_t position) {
    if (position < 0) return;
    const Symbol& left = symbols[static_cast<size_t>(position)];
    if (left.next < 0) return;
    const int32_t right = symbols[static_cast<size_t>(left.next)].id;
    if (const Slot* slot = find(left.id, right)) queue.push({slot->rank, position, left.id, right, slot->result});
  };
  for (int32_t i = 0; i + 1 < n; ++i) consider(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[static_cast<size_t>(best.position)];
    if (left.id != best.left || left.next < 0) continue;
    Symbol& right = symbols[static_cast<size_t>(left.next)];
    if (right.id != best.right) continue;
    left.id = best.result;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = best.position;
    consider(left.previous);
    consider(best.position);
  }
  for (int32_t i = 0; i >= 0 && i < n; i = symbols[static_cast<size_t>(i)].next) {
    out.push_back(symbols[static_cast<size_t>(i)].id);
  }
}

}  // namespace drawbridge
