#include "text/detokenizer.h"

#include "text/utf8.h"

namespace drawbridge {

std::string Detokenizer::push(int32_t id) {
  if (skip_special_ && tokenizer_->is_special(id)) return {};
  pending_ += tokenizer_->token_bytes(id);
  std::string out;
  size_t at = 0;
  while (at < pending_.size()) {
    const Utf8Step step = next_utf8(pending_, at);
    if (step.truncated) break;
    out += step.valid ? std::string_view(pending_).substr(at, step.bytes) : kReplacementCharacter;
    at += step.bytes;
  }
  pending_.erase(0, at);
  return out;
}

std::string Detokenizer::finish() {
  std::string rest = replace_invalid_utf8(pending_);
  pending_.clear();
  return rest;
}

}  // namespace drawbridge
