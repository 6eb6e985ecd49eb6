#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/rng.h"

namespace drawbridge {
namespace {

size_t index(int32_t token) {
  return static_cast<size_t>(token);
}

double log_sum_exp(std::span<const float> logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

void read_logprobs(std::span<const float> raw, int32_t n, Sampled& out) {
  const double norm = log_sum_exp(raw);
  const auto logprob = [&](int32_t t) { return static_cast<float>(static_cast<double>(raw[index(t)]) - norm); };
  out.chosen = {out.token, logprob(out.token)};
  std::vector<int32_t> order(raw.size());
  std::iota(order.begin(), order.end(), 0);
  const auto count = std::min<std::ptrdiff_t>(n, static_cast<std::ptrdiff_t>(raw.size()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int32_t a, int32_t b) {
    return raw[index(a)] != raw[index(b)] ? raw[index(a)] > raw[index(b)] : a < b;
  });
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    out.alternatives.push_back({order[static_cast<size_t>(i)], logprob(order[static_cast<size_t>(i)])});
  }
}

void penalize(std::span<float> logits, const SamplingOptions& o, const TokenCounts& counts) {
  const auto repeat = [&](int32_t token) {
    float& logit = logits[index(token)];
    logit = logit > 0 ? logit / o.repetition_penalty : logit * o.repetition_penalty;
  };
  if (o.repetition_penalty != 1.0f) {
    for (const auto& [token, n] : counts.prompt) repeat(token);
    for (const auto& [token, n] : counts.generated) {
      if (!counts.prompt.contains(token)) repeat(token);
    }
  }
  for (const auto& [token, n] : counts.generated) {
    logits[index(token)] -= o.presence_penalty + o.frequency_penalty * static_cast<float>(n);
  }
  for (const auto& [token, bias] : o.logit_bias) logits[index(token)] += bias;
}

struct Candidate {
  int32_t token;
  double p;
};

/// Tokens that top-k, top-p and min-p leave, most likely first; p need not sum to 1.
std::vector<Candidate> candidates(std::span<const float> logits, const SamplingOptions& o) {
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double p = std::exp((static_cast<double>(logits[i]) - top) / static_cast<double>(o.temperature));
    if (p >= static_cast<double>(o.min_p)) all.push_back({static_cast<int32_t>(i), p});
  }
  std::sort(all.begin(), all.end(),
            [](const Candidate& a, const Candidate& b) { return a.p != b.p ? a.p > b.p : a.token < b.token; });
  if (o.top_k > 0 && static_cast<size_t>(o.top_k) < all.size()) all.resize(static_cast<size_t>(o.top_k));
  if (o.top_p >= 1.0f) return all;
  double total = 0, kept = 0;
  for (const Candidate& c : all) total += c.p;
  size_t n = 0;
  while (n < all.size() && kept < static_cast<double>(o.top_p) * total) kept += all[n++].p;
  all.resize(std::max<size_t>(n, 1));
  return all;
}

int32_t draw(const std::vector<Candidate>& all, double u) {
  double total = 0;
  for (const Candidate& c : all) total += c.p;
  double left = u * total;
  for (const Candidate& c : all) {
    left -= c.p;
    if (left < 0) return c.token;
  }
  return all.back().token;
}

}  // namespace

Result<Sampled> sample(std::span<float> logits, const SamplingOptions& options, const TokenCounts& counts,
                       uint64_t seed, uint64_t position) {
  const auto bad = std::find_if(logits.begin(), logits.end(), [](float v) { return !std::isfinite(v); });
  if (bad != logits.end()) {
    return fail(Code::kInternal, "logit of token {} is {}: the model's output cannot be trusted", bad - logits.begin(),
                *bad);
  }
  std::vector<float> raw;
  if (options.n_logprobs) raw.assign(logits.begin(), logits.end());
  penalize(logits, options, counts);
  Sampled out;
  if (options.temperature == 0.0f) {
    out.token = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  } else {
    out.token = draw(candidates(logits, options), uniform_at(seed, position));
  }
  if (options.n_logprobs) read_logprobs(raw, *options.n_logprobs, out);
  return out;
}

}  // namespace drawbridge
