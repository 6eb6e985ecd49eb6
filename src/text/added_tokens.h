// The added tokens of tokenizer.json ("<|user|>", "<think>"): found in text before anything else, leftmost first and
// the longest of those; tokens marked `normalized` come in a second pass over what is left, as HF does it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drawbridge {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;  // left out of decoded text on request
  bool normalized = false;
};

/// A stretch of text: an added token, or plain text when id is -1.
struct TextSegment {
  std::string_view text;
  int32_t id = -1;
};

class AddedTokens {
 public:
  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// Cuts `text` into added tokens and the non-empty plain stretches between them.
  std::vector<TextSegment> split(std::string_view text) const;

  std::optional<int32_t> id_of(std::string_view content) const;
  const std::vector<AddedToken>& all() const { return tokens_; }

 private:
  struct Pass {
    std::array<std::vector<int32_t>, 256> by_first_byte;  // indices into tokens_, longest content first
  };

  void split_pass(const Pass& pass, std::string_view text, std::vector<TextSegment>& out) const;
  const AddedToken* longest_at(const Pass& pass, std::string_view rest) const;

  std::vector<AddedToken> tokens_;
  Pass raw_;
  Pass normalized_;
};

}  // namespace drawbridge
