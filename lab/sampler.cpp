// A token from 154,880 logits: the most likely one, one drawn by temperature, top-k, top-p and min-p, and one with
// log-probabilities.
//
// 620 kB of logits, which the last product left in the second-level cache: the limit is one pass over them. They lie on
// bf16's grid and are normally distributed, four wide, as a trained head's are; a few stand out.
#include "engine/sampler.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/rng.h"
#include "inputs.h"
#include "ladder.h"
#include "tensor/dtype.h"

namespace drawbridge::lab {
namespace {

constexpr size_t kVocab = 154'880;
constexpr uint64_t kSeed = 11;

struct Logits {
  std::vector<float> logit = std::vector<float>(kVocab);
  float token = NAN;

  Logits() {
    for (size_t i = 0; i < kVocab; ++i) {  // Box and Muller
      const double radius = std::sqrt(-2 * std::log(1 - uniform_at(1, i)));
      const double normal = radius * std::cos(2 * 3.14159265358979 * uniform_at(2, i));
      logit[i] = round_to_bf16(static_cast<float>(2 * normal));
    }
    for (size_t i = 0; i < 6; ++i) logit[25'000 * i + 17] = round_to_bf16(static_cast<float>(14 - i));
  }
  std::vector<float> take_token() {
    const float taken = token;
    token = NAN;
    return {taken};
  }
};

/// All sorted; then the definition, one step after the other.
int32_t draw_plainly(const std::vector<float>& logit, const SamplingOptions& o, double u) {
  std::vector<int32_t> order(kVocab);
  std::iota(order.begin(), order.end(), 0);
  const auto of = [&logit](int32_t token) { return static_cast<double>(logit[static_cast<size_t>(token)]); };
  std::stable_sort(order.begin(), order.end(), [&of](int32_t a, int32_t b) { return of(a) > of(b); });
  if (o.top_k > 0) order.resize(static_cast<size_t>(o.top_k));
  std::vector<double> p;
  double total = 0;
  for (const int32_t token : order) {
    p.push_back(std::exp((of(token) - of(order[0])) / static_cast<double>(o.temperature)));
    if (p.back() < static_cast<double>(o.min_p)) p.pop_back();
  }
  for (const double v : p) total += v;
  double sum = 0;
  size_t n = 0;
  while (n < p.size() && !(o.top_p < 1 && sum >= static_cast<double>(o.top_p) * total)) sum += p[n++];
  double passed = 0;
  for (size_t i = 0; i < n; ++i) {
    passed += p[i];
    if (passed > u * sum) return order[i];
  }
  return order[n - 1];
}

int32_t most_likely_plainly(const std::vector<float>& logit) {
  size_t best = 0;
  for (size_t i = 0; i < kVocab; ++i) {
    DB_CHECK(std::isfinite(logit[i]));
    if (logit[i] > logit[best]) best = i;
  }
  return static_cast<int32_t>(best);
}

/// Without penalties `sample` leaves the logits as they are.
float sampled(Logits& logits, const SamplingOptions& options) {
  const Result<Sampled> drawn = sample(logits.logit, options, {}, kSeed, 0);
  return drawn.ok() ? static_cast<float>(drawn->token) : NAN;
}

bool climb_options(const std::string& name, const SamplingOptions& options) {
  Logits logits;
  Ladder ladder;
  ladder.name = fmt::format("sampler over {} logits, {}", kVocab, name);
  ladder.limit = "cache read";
  ladder.cached_bytes = 4 * kVocab;
  ladder.work = static_cast<double>(ladder.cached_bytes);
  ladder.take_result = [&logits] { return logits.take_token(); };
  const bool is_greedy = options.temperature == 0.0f;
  ladder.versions = {{is_greedy ? "plain loop" : "plain, all sorted",
                      [&logits, options, is_greedy](int64_t) {
                        logits.token =
                            static_cast<float>(is_greedy ? most_likely_plainly(logits.logit)
                                                         : draw_plainly(logits.logit, options, uniform_at(kSeed, 0)));
                      }},
                     {"as the engine", [&logits, options](int64_t) { logits.token = sampled(logits, options); }}};
  return climb(ladder, {15, 2e-3});
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge;
  SamplingOptions greedy, drawn, cut, with_logprobs;
  greedy.temperature = with_logprobs.temperature = 0;
  drawn.temperature = cut.temperature = 1;
  cut.top_p = 0.95f;
  cut.top_k = 40;
  with_logprobs.n_logprobs = 5;
  bool right = lab::climb_options("the most likely", greedy);
  right &= lab::climb_options("temperature 1", drawn);
  right &= lab::climb_options("top-k 40, top-p 0.95", cut);
  return lab::climb_options("the most likely and 5 log-probabilities", with_logprobs) && right ? 0 : 1;
}
