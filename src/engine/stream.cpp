#include "engine/stream.h"

#include <algorithm>

namespace drawbridge {

Stream::Stream(GenerateRequest request, Sink sink, uint64_t fresh_seed, const Tokenizer& tokenizer)
    : request_(std::move(request)),
      sink_(std::move(sink)),
      seed_(request_.sampling.seed.value_or(fresh_seed)),
      tokens_(request_.prompt),
      detokenizer_(tokenizer),
      stops_(request_.stop) {
  for (const int32_t token : tokens_) ++counts_.prompt[token];
}

bool Stream::begin(int64_t n_cached) {
  if (n_cached_) return false;
  n_cached_ = n_cached;
  return true;
}

bool Stream::is_end(int32_t token, std::span<const int32_t> eos) const {
  const auto& own = request_.stop_token_ids;
  if (std::find(own.begin(), own.end(), token) != own.end()) return true;
  return !request_.ignore_eos && std::find(eos.begin(), eos.end(), token) != eos.end();
}

Output Stream::end(FinishReason reason, Status error) {
  Output output;
  const Usage usage{n_prompt(), static_cast<int64_t>(tokens_.size()) - n_prompt(), n_cached_.value_or(0), busy_s_};
  output.finish = Finish{reason, std::move(error), stops_.matched(), usage};
  return output;
}

void Stream::tell_prompt(int64_t n_done, View logits) const {
  Output output;
  output.n_prompt_done = std::min(n_done, n_prompt());
  const int64_t n_rows = request_.prompt_logprobs ? logits.dim(0) : 0;
  for (int64_t row = 0; row < n_rows; ++row) {
    const int64_t next = n_done - n_rows + row + 1;
    if (next >= n_prompt()) break;
    const std::span<const float> own(logits.row(row), static_cast<size_t>(logits.cols()));
    output.prompt_logprobs.push_back(
        score(own, tokens_[static_cast<size_t>(next)], request_.sampling.n_logprobs.value_or(0)));
  }
  if (n_done < n_prompt() || !output.prompt_logprobs.empty()) sink_(output);
}

bool Stream::advance(std::span<float> logits, std::span<const int32_t> eos, Output& last) {
  std::vector<float> as_given;  // sampling works in place
  if (request_.logits) as_given.assign(logits.begin(), logits.end());
  auto sampled = sample(logits, request_.sampling, counts_, seed_, tokens_.size());
  if (!sampled.ok()) {
    last = end(FinishReason::kError, sampled.status());
    return true;
  }
  tokens_.push_back(sampled->token);
  ++counts_.generated[sampled->token];
  const bool stopped = is_end(sampled->token, eos);
  std::string text = stopped ? "" : stops_.push(detokenizer_.push(sampled->token));
  const bool full = static_cast<int64_t>(tokens_.size()) == n_max();
  const bool ended = stopped || full || stops_.matched();
  if (ended && !stops_.matched()) {
    text += stops_.push(detokenizer_.finish());
    text += stops_.finish();
  }
  Output output = ended ? end(stopped || stops_.matched() ? FinishReason::kStop : FinishReason::kLength) : Output{};
  output.token = sampled->token;
  output.text = std::move(text);
  output.logits = std::move(as_given);
  if (request_.sampling.n_logprobs) {
    output.chosen = sampled->chosen;
    output.alternatives = std::move(sampled->alternatives);
  }
  if (ended) {
    last = std::move(output);
  } else {
    sink_(output);
  }
  return ended;
}

}  // namespace drawbridge
