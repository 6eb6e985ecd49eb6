#include "text/added_tokens.h"

#include <algorithm>

#include "base/check.h"

namespace drawbridge {

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    DB_CHECK(!tokens_[i].content.empty());
    Pass& pass = tokens_[i].normalized ? normalized_ : raw_;
    pass.by_first_byte[static_cast<uint8_t>(tokens_[i].content[0])].push_back(static_cast<int32_t>(i));
  }
  const auto longer = [this](int32_t a, int32_t b) {
    return tokens_[static_cast<size_t>(a)].content.size() > tokens_[static_cast<size_t>(b)].content.size();
  };
  for (Pass* pass : {&raw_, &normalized_}) {
    for (auto& bucket : pass->by_first_byte) std::stable_sort(bucket.begin(), bucket.end(), longer);
  }
}

const AddedToken* AddedTokens::longest_at(const Pass& pass, std::string_view rest) const {
  for (int32_t index : pass.by_first_byte[static_cast<uint8_t>(rest[0])]) {
    const AddedToken& token = tokens_[static_cast<size_t>(index)];
    if (rest.substr(0, token.content.size()) == token.content) return &token;
  }
  return nullptr;
}

void AddedTokens::split_pass(const Pass& pass, std::string_view text, std::vector<TextSegment>& out) const {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const AddedToken* token = longest_at(pass, text.substr(at));
    if (token == nullptr) {
      ++at;
      continue;
    }
    if (at > begin) out.push_back({text.substr(begin, at - begin), -1});
    out.push_back({text.substr(at, token->content.size()), token->id});
    at += token->content.size();
    begin = at;
  }
  if (begin < text.size()) out.push_back({text.substr(begin), -1});
}

std::vector<TextSegment> AddedTokens::split(std::string_view text) const {
  std::vector<TextSegment> first;
  split_pass(raw_, text, first);
  std::vector<TextSegment> segments;
  for (const TextSegment& segment : first) {
    if (segment.id >= 0) {
      segments.push_back(segment);
    } else {
      split_pass(normalized_, segment.text, segments);
    }
  }
  return segments;
}

std::optional<int32_t> AddedTokens::id_of(std::string_view content) const {
  for (const AddedToken& token : tokens_) {
    if (token.content == content) return token.id;
  }
  return std::nullopt;
}

}  // namespace drawbridge
