#include "engine/request_check.h"

#include <cmath>

namespace drawbridge {
namespace {

Status check_range(const char* field, float value, float low, float high) {
  if (std::isfinite(value) && value >= low && value <= high) return Status();
  return fail(Code::kInvalidArgument, "{}: wanted a number from {} to {}, found {}", field, low, high, value);
}

Status check_tokens(const char* field, std::span<const int32_t> tokens, int64_t vocab) {
  for (const int32_t token : tokens) {
    if (token < 0 || token >= vocab) {
      return fail(Code::kInvalidArgument, "{}: wanted token ids from 0 to {}, found {}", field, vocab - 1, token);
    }
  }
  return Status();
}

}  // namespace

Status check_request(const GenerateRequest& request, int64_t vocab, int64_t max_context) {
  if (request.prompt.empty()) return fail(Code::kInvalidArgument, "prompt: wanted at least one token, found none");
  if (request.max_tokens < 1) {
    return fail(Code::kInvalidArgument, "max_tokens: wanted at least 1, found {}", request.max_tokens);
  }
  const auto n_prompt = static_cast<int64_t>(request.prompt.size());
  if (request.max_tokens > max_context || n_prompt > max_context - request.max_tokens) {
    return fail(Code::kOutOfRange, "prompt of {} tokens and max_tokens {} exceed the context of {} tokens", n_prompt,
                request.max_tokens, max_context);
  }
  if (request.grammar != nullptr) {
    return fail(Code::kUnsupported, "grammar: this engine samples without masks; wanted a request without one");
  }
  const SamplingOptions& s = request.sampling;
  DB_TRY(check_tokens("prompt", request.prompt, vocab));
  DB_TRY(check_tokens("stop_token_ids", request.stop_token_ids, vocab));
  for (const auto& [token, bias] : s.logit_bias) {
    DB_TRY(check_tokens("logit_bias", {&token, 1}, vocab));
    DB_TRY(check_range("logit_bias", bias, -100, 100));
  }
  DB_TRY(check_range("temperature", s.temperature, 0, 100));
  DB_TRY(check_range("top_p", s.top_p, 0, 1));
  DB_TRY(check_range("min_p", s.min_p, 0, 1));
  DB_TRY(check_range("presence_penalty", s.presence_penalty, -2, 2));
  DB_TRY(check_range("frequency_penalty", s.frequency_penalty, -2, 2));
  DB_TRY(check_range("repetition_penalty", s.repetition_penalty, 0.01f, 100));
  if (s.top_p == 0) return fail(Code::kInvalidArgument, "top_p: wanted a number above 0, found 0");
  if (s.top_k < 0) return fail(Code::kInvalidArgument, "top_k: wanted 0 (off) or more, found {}", s.top_k);
  if (s.n_logprobs && (*s.n_logprobs < 0 || *s.n_logprobs > 20)) {
    return fail(Code::kInvalidArgument, "logprobs: wanted 0 to 20, found {}", *s.n_logprobs);
  }
  return Status();
}

}  // namespace drawbridge
