#include "server/logprobs.h"

#include <algorithm>
#include <utility>

#include "text/utf8.h"

namespace drawbridge {
namespace {

/// JSON has no infinity; this is what OpenAI sends for a token that cannot come.
double finite(float logprob) {
  return std::max(static_cast<double>(logprob), -9999.0);
}

Json entry(const Tokenizer& tokenizer, const TokenLogprob& one) {
  Json bytes = Json::array();
  for (const char c : tokenizer.token_bytes(one.token)) bytes.push_back(static_cast<uint8_t>(c));
  return {{"token", token_text(tokenizer, one.token)}, {"logprob", finite(one.logprob)}, {"bytes", std::move(bytes)}};
}

int64_t count_characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; });
}

}  // namespace

std::string token_text(const Tokenizer& tokenizer, int32_t token) {
  const std::string_view bytes = tokenizer.token_bytes(token);
  if (replace_invalid_utf8(bytes) == bytes) return std::string(bytes);
  std::string out = "bytes:";
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
  return out;
}

Json chat_logprob(const Tokenizer& tokenizer, const Output& output) {
  Json one = entry(tokenizer, *output.chosen);
  Json top = Json::array();
  for (const TokenLogprob& other : output.alternatives) top.push_back(entry(tokenizer, other));
  one["top_logprobs"] = std::move(top);
  return one;
}

CompletionLogprobs::CompletionLogprobs(const Tokenizer& tokenizer) : tokenizer_(&tokenizer), detokenizer_(tokenizer) {}

void CompletionLogprobs::push(const Output& output) {
  if (object_.is_null()) {
    object_ = {{"tokens", Json::array()},
               {"token_logprobs", Json::array()},
               {"top_logprobs", Json::array()},
               {"text_offset", Json::array()}};
  }
  Json top = Json::object();
  for (const TokenLogprob& other : output.alternatives) {
    top.emplace(token_text(*tokenizer_, other.token), finite(other.logprob));  // of equal texts, the likelier stays
  }
  const std::string text = token_text(*tokenizer_, output.chosen->token);
  top.emplace(text, finite(output.chosen->logprob));
  object_["tokens"].push_back(text);
  object_["token_logprobs"].push_back(finite(output.chosen->logprob));
  object_["top_logprobs"].push_back(std::move(top));
  object_["text_offset"].push_back(n_characters_);
  n_characters_ += count_characters(detokenizer_.push(output.chosen->token));
}

Json CompletionLogprobs::take() {
  return std::exchange(object_, Json());
}

}  // namespace drawbridge
