// Byte-pair merges over one pre-token: always the pair of lowest rank, leftmost first. A heap over a linked list, so a
// run of n bytes costs n log n. Knows bytes and ids; not regexes, not special tokens.
// Threads: const functions may run at the same time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace drawbridge {

struct BpeMerge {
  int32_t left = 0;
  int32_t right = 0;
  int32_t result = 0;
};

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

using TokenMap = std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>>;

class BpeModel {
 public:
  /// `ids` maps the bytes of each token to its id and holds every single byte that UTF-8 text can contain; `merges` are
  /// in rank order; with `ignore_merges` a piece that is a token is taken whole.
  BpeModel(TokenMap ids, const std::vector<BpeMerge>& merges, bool ignore_merges);

  /// Appends the ids of one piece of valid UTF-8.
  void encode(std::string_view piece, std::vector<int32_t>& out) const;

  std::optional<int32_t> id_of(std::string_view bytes) const;

 private:
  struct Slot {
    uint64_t key = UINT64_MAX;  // left id, right id
    int32_t rank = 0;
    int32_t result = 0;
  };

  const Slot* find(int32_t left, int32_t right) const;
  void merge(std::string_view piece, std::vector<int32_t>& out) const;

  TokenMap ids_;
  std::array<int32_t, 256> byte_ids_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  bool ignore_merges_;
};

}  // namespace drawbridge
