#include "grammar/vocabulary.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "text/utf8.h"

namespace drawbridge {
namespace {

/// Longest of each group of plain tokens, in characters.
constexpr std::array<int64_t, 5> kLengths = {4, 8, 16, 32, std::numeric_limits<int64_t>::max()};

/// Characters of a text that are all plain; -1 where one is not, or is cut.
int64_t plain_length(std::string_view text) {
  int64_t n = 0;
  for (size_t at = 0; at < text.size(); ++n) {
    const Utf8Step step = next_utf8(text, at);
    if (!step.valid || !is_plain_character(decode_utf8(text.substr(at, step.bytes)))) return -1;
    at += step.bytes;
  }
  return n;
}

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

TokenTrie build_trie(const std::vector<std::string>& bytes, std::vector<int32_t> ids) {
  std::sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return std::tie(bytes[static_cast<size_t>(a)], a) < std::tie(bytes[static_cast<size_t>(b)], b);
  });
  TokenTrie trie;
  std::vector<size_t> path;  // the open nodes
  const auto close_to = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back()) trie.nodes[path.back()].next = static_cast<int32_t>(trie.nodes.size());
  };
  std::string_view last;
  for (const int32_t id : ids) {
    const std::string_view text = bytes[static_cast<size_t>(id)];
    close_to(common_prefix(last, text));
    while (path.size() < text.size()) {
      path.push_back(trie.nodes.size());
      const auto depth = static_cast<int32_t>(path.size());
      trie.nodes.push_back({static_cast<uint8_t>(text[path.size() - 1]), depth, 0, 0, 0});
    }
    TokenTrie::Node& node = trie.nodes[path.back()];
    if (node.n++ == 0) node.first = static_cast<int32_t>(trie.tokens.size());
    trie.tokens.push_back(id);
    last = text;
  }
  close_to(0);
  return trie;
}

}  // namespace

bool is_plain_character(char32_t c) {
  return c >= 0x20 && c != '"' && c != '\\' && c != '<';
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::create(const Tokenizer& tokenizer,
                                                             std::vector<int32_t> end_tokens) {
  std::shared_ptr<Vocabulary> out(new Vocabulary);
  for (const int32_t id : end_tokens) {
    if (id >= 0 && id < tokenizer.vocab_size()) continue;
    return fail(Code::kInvalidArgument, "end tokens: wanted ids from 0 to {}, found {}", tokenizer.vocab_size() - 1,
                id);
  }
  out->end_tokens_ = std::move(end_tokens);
  const auto n = static_cast<size_t>(tokenizer.vocab_size());
  out->bytes_.resize(n);
  out->text_mask_.resize((n + 63) / 64);
  std::vector<std::vector<int32_t>> members(kLengths.size() + 1);
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string_view text = tokenizer.token_bytes(id);
    if (text.empty() || tokenizer.is_special(id) || out->is_end(id)) continue;
    out->bytes_[static_cast<size_t>(id)] = text;
    allow(out->text_mask_, id);
    const int64_t length = plain_length(text);
    const auto group = std::find_if(kLengths.begin(), kLengths.end(), [&](int64_t most) { return length <= most; });
    members[length <= 0 ? kLengths.size() : static_cast<size_t>(group - kLengths.begin())].push_back(id);
  }
  for (size_t i = 0; i < members.size(); ++i) {
    TokenGroup group;
    group.n_characters = i < kLengths.size() ? kLengths[i] : 0;
    group.mask.resize(out->n_words());
    for (const int32_t id : members[i]) allow(group.mask, id);
    group.trie = build_trie(out->bytes_, std::move(members[i]));
    out->groups_.push_back(std::move(group));
  }
  return std::shared_ptr<const Vocabulary>(std::move(out));
}

bool Vocabulary::is_end(int32_t token) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), token) != end_tokens_.end();
}

}  // namespace drawbridge
