// Vocabulary: the bytes of every token that an answer may be made of, ordered for a grammar's walk over all of them.
// Special tokens ("<|user|>") are no text and never stand inside a grammar; end tokens are allowed where it may end.
//
// Most tokens are plain: whole characters, none of which a quoted string or a tag treats in its own way. They stand in
// groups by length. Where a grammar takes any n plain characters, the masks of the groups of tokens no longer than that
// are known beforehand, and only the others are walked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace drawbridge {

/// Not a control character, '"', '\\' or '<'.
bool is_plain_character(char32_t c);

/// Strings of tokens in byte order. A node's subtree is [node, next).
struct TokenTrie {
  struct Node {
    uint8_t byte = 0;
    int32_t depth = 0;  // bytes up to and with this one; the root is left out
    int32_t next = 0;
    int32_t first = 0;  // its tokens: tokens[first, first + n)
    int32_t n = 0;
  };
  std::vector<Node> nodes;
  std::vector<int32_t> tokens;
};

struct TokenGroup {
  int64_t n_characters = 0;  // of the longest, all are plain; 0: tokens that are not plain
  TokenTrie trie;
  std::vector<uint64_t> mask;
};

class Vocabulary {
 public:
  /// `end_tokens` end an answer; an id outside of the tokenizer is kInvalidArgument.
  static Result<std::shared_ptr<const Vocabulary>> create(const Tokenizer& tokenizer, std::vector<int32_t> end_tokens);

  int32_t n_tokens() const { return static_cast<int32_t>(bytes_.size()); }
  size_t n_words() const { return text_mask_.size(); }
  /// Empty for a token that is no text.
  std::string_view bytes(int32_t token) const { return bytes_[static_cast<size_t>(token)]; }
  std::span<const int32_t> end_tokens() const { return end_tokens_; }
  bool is_end(int32_t token) const;

  /// Every token that is text stands in one group.
  std::span<const TokenGroup> groups() const { return groups_; }
  /// Every token that is text, as a mask.
  std::span<const uint64_t> text_mask() const { return text_mask_; }

 private:
  Vocabulary() = default;

  std::vector<std::string> bytes_;
  std::vector<int32_t> end_tokens_;
  std::vector<TokenGroup> groups_;
  std::vector<uint64_t> text_mask_;
};

/// Sets or asks bit `token` of a mask.
inline void allow(std::span<uint64_t> mask, int32_t token) {
  mask[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64);
}
inline bool is_allowed(std::span<const uint64_t> mask, int32_t token) {
  return (mask[static_cast<size_t>(token) / 64] >> (token % 64) & 1) != 0;
}

}  // namespace drawbridge
