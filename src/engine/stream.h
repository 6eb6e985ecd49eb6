// Stream: one request from its prompt to its last token: tokens so far, text still held back, why it ended.
#pragma once

#include <span>

#include "engine/engine.h"
#include "engine/sampler.h"
#include "engine/stop_strings.h"
#include "tensor/view.h"
#include "text/detokenizer.h"

namespace drawbridge {

class Stream {
 public:
  Stream(GenerateRequest request, Sink sink, uint64_t fresh_seed, const Tokenizer& tokenizer);

  const std::vector<int32_t>& tokens() const { return tokens_; }
  int64_t n_prompt() const { return static_cast<int64_t>(request_.prompt.size()); }
  int64_t n_max() const { return n_prompt() + request_.max_tokens; }
  const GenerateRequest& request() const { return request_; }
  /// The request begins with n_cached tokens computed. False: it had begun before and goes on after a preemption.
  bool begin(int64_t n_cached);
  /// Adds to what the request has taken of the engine's time.
  void add_busy(double seconds) { busy_s_ += seconds; }

  /// Tells the sink that prompt tokens up to n_done are computed, if some are still missing or if `logits` [n, V],
  /// those of the last n of them, were asked for.
  void tell_prompt(int64_t n_done, View logits) const;
  /// Samples the next token and tells the sink. `eos` are the model's end tokens. True: the request has ended, and
  /// its last output waits in `last` until the caller has freed its pages.
  bool advance(std::span<float> logits, std::span<const int32_t> eos, Output& last);
  /// The last output of a request that ends without a token.
  Output end(FinishReason reason, Status error = {});
  void tell(const Output& output) const { sink_(output); }

 private:
  bool is_end(int32_t token, std::span<const int32_t> eos) const;

  GenerateRequest request_;
  Sink sink_;
  uint64_t seed_;
  double busy_s_ = 0;
  std::optional<int64_t> n_cached_;  // once it has begun
  std::vector<int32_t> tokens_;
  TokenCounts counts_;
  Detokenizer detokenizer_;
  StopStrings stops_;
};

}  // namespace drawbridge
