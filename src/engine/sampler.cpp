#include "engine/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>

#include "base/rng.h"
#include "engine/exponentials.h"

namespace drawbridge {
namespace {

size_t index(int32_t token) {
  return static_cast<size_t>(token);
}

/// The largest logit, its first place, and whether all are finite.
struct Survey {
  float top = 0;
  size_t at = 0;
  bool is_finite = true;
};

/// One pass, in blocks of independent maxima that the compiler makes vectors of. A logit that is not finite times zero
/// is not zero.
Survey survey(std::span<const float> logits) {
  constexpr size_t kLanes = 16;
  const size_t whole = logits.size() / kLanes * kLanes;
  float top[kLanes], zero[kLanes] = {};
  std::fill_n(top, kLanes, logits[0]);
  for (size_t i = 0; i < whole; i += kLanes) {
    const float* const own = logits.data() + i;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      top[lane] = own[lane] > top[lane] ? own[lane] : top[lane];
      zero[lane] += own[lane] * 0.0f;
    }
  }
  for (size_t i = whole; i < logits.size(); ++i) {
    top[0] = std::max(top[0], logits[i]);
    zero[0] += logits[i] * 0.0f;
  }
  Survey found;
  found.top = *std::max_element(top, top + kLanes);
  found.is_finite = std::accumulate(zero, zero + kLanes, 0.0f) == 0.0f;
  found.at = static_cast<size_t>(std::find(logits.begin(), logits.end(), found.top) - logits.begin());
  return found;
}

/// The n largest, best first; ties: the lower id. A heap of the n best so far, its worst on top.
std::vector<int32_t> most_likely(std::span<const float> logits, size_t n) {
  const auto better = [&](int32_t a, int32_t b) {
    return logits[index(a)] != logits[index(b)] ? logits[index(a)] > logits[index(b)] : a < b;
  };
  std::vector<int32_t> best;
  for (size_t i = 0; i < logits.size() && n > 0; ++i) {
    if (best.size() == n) {
      if (logits[i] <= logits[index(best.front())]) continue;
      std::pop_heap(best.begin(), best.end(), better);
      best.pop_back();
    }
    best.push_back(static_cast<int32_t>(i));
    std::push_heap(best.begin(), best.end(), better);
  }
  std::sort_heap(best.begin(), best.end(), better);
  return best;
}

/// In blocks that stay in the cache, with sums that do not wait for each other.
double log_sum_exp(std::span<const float> logits) {
  constexpr size_t kBlock = 512, kSums = 8;
  const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum[kSums] = {}, e[kBlock];
  for (size_t from = 0; from < logits.size(); from += kBlock) {
    const size_t n = std::min(kBlock, logits.size() - from);
    for (size_t i = 0; i < n; ++i) e[i] = static_cast<double>(logits[from + i]) - top;
    exponentials({e, n});
    for (size_t i = 0; i < n; ++i) sum[i % kSums] += e[i];
  }
  return top + std::log(std::accumulate(sum, sum + kSums, 0.0));
}

/// Whether it changed anything.
bool penalize(std::span<float> logits, const SamplingOptions& o, const TokenCounts& counts) {
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
  const bool counts_matter = o.presence_penalty != 0.0f || o.frequency_penalty != 0.0f;
  for (const auto& [token, n] : counts.generated) {
    if (counts_matter) logits[index(token)] -= o.presence_penalty + o.frequency_penalty * static_cast<float>(n);
  }
  for (const auto& [token, bias] : o.logit_bias) logits[index(token)] += bias;
  return o.repetition_penalty != 1.0f || counts_matter || !o.logit_bias.empty();
}

struct Candidate {
  int32_t token;
  double p;  // e^((logit - top) / temperature)
};

bool is_better(const Candidate& a, const Candidate& b) {
  return a.p != b.p ? a.p > b.p : a.token < b.token;
}

/// Kept between calls: fresh pages for a whole vocabulary cost ten times what is computed on it.
struct WorkSpace {
  std::vector<Candidate> near, inside;
  std::vector<double> exponent, sum;
  std::vector<float> raw;
};
WorkSpace& work_space() {
  thread_local WorkSpace space;
  return space;
}

/// Which of kBuckets a p in [0, 1] falls into: 64 for each power of two, the larger p first, the smallest all together.
constexpr size_t kBuckets = 4096;
size_t bucket_of(double p) {
  constexpr int kSteps = 52 - 6;  // bits of a double below the upper 6 of its fraction
  const uint64_t below_one = std::bit_cast<uint64_t>(1.0) - std::bit_cast<uint64_t>(p);
  return std::min<size_t>(below_one >> kSteps, kBuckets - 1);
}

/// The candidate at which the sum of weights, from the best on, first is enough; of all when none is the worst.
struct Crossing {
  Candidate at;
  double sum = 0;  // up to and with it
};

/// Only the bucket in which it lies is sorted.
template <typename Weight, typename IsEnough>
Crossing find_crossing(const std::vector<Candidate>& all, const Weight& weight, const IsEnough& is_enough) {
  std::vector<double>& sum = work_space().sum;
  sum.assign(kBuckets, 0);
  size_t worst = 0;
  for (const Candidate& c : all) {
    const size_t bucket = bucket_of(c.p);
    sum[bucket] += weight(c);
    worst = std::max(worst, bucket);
  }
  Crossing found;
  size_t own = 0;
  for (; own < worst && !is_enough(found.sum + sum[own]); ++own) found.sum += sum[own];
  std::vector<Candidate>& inside = work_space().inside;
  inside.clear();
  std::copy_if(all.begin(), all.end(), std::back_inserter(inside),
               [own](const Candidate& c) { return bucket_of(c.p) == own; });
  std::sort(inside.begin(), inside.end(), is_better);
  for (size_t i = 0; i < inside.size() && !(i > 0 && is_enough(found.sum)); ++i) {
    found.at = inside[i];
    found.sum += weight(inside[i]);
  }
  return found;
}

void drop_worse(std::vector<Candidate>& all, const Candidate& last) {
  std::erase_if(all, [&last](const Candidate& c) { return is_better(last, c); });
}

/// The tokens within some nats of the top, and what is known of the others that top-k and min-p leave: `rest` is more
/// than their p make together. Only where that could change the outcome are more tokens looked at.
struct Near {
  std::vector<Candidate>& all = work_space().near;
  double total = 0;  // of their p
  double rest = 0;
};

/// Whether any logit reaches `least`: a loop that the compiler makes vectors of. Few blocks of a trained head have one.
constexpr size_t kSearchBlock = 64;
bool has_any(const float* logits, float least) {
  int n = 0;
  for (size_t i = 0; i < kSearchBlock; ++i) n |= logits[i] >= least ? 1 : 0;
  return n != 0;
}

Near tokens_near_top(std::span<const float> logits, float top, double nats, const SamplingOptions& o) {
  const double temperature = o.temperature, min_p = o.min_p, cut = static_cast<double>(top) - nats * temperature;
  Near near;
  near.all.clear();
  std::vector<double>& p = work_space().exponent;
  p.clear();
  const auto least = std::nextafter(static_cast<float>(cut), -std::numeric_limits<float>::infinity());
  for (size_t i = 0; i < logits.size(); ++i) {
    if (i % kSearchBlock == 0 && i + kSearchBlock <= logits.size() && !has_any(&logits[i], least)) {
      i += kSearchBlock - 1;
      continue;
    }
    if (!(static_cast<double>(logits[i]) >= cut)) continue;
    near.all.push_back({static_cast<int32_t>(i), 0});
    p.push_back((static_cast<double>(logits[i]) - static_cast<double>(top)) / temperature);
  }
  exponentials(p);
  for (size_t i = 0; i < p.size(); ++i) near.all[i].p = p[i];
  if (min_p > 0) std::erase_if(near.all, [min_p](const Candidate& c) { return c.p < min_p; });
  const size_t most = o.top_k > 0 ? std::min(static_cast<size_t>(o.top_k), logits.size()) : logits.size();
  if (near.all.size() > most) {
    const auto is_enough = [most](double n) { return n >= static_cast<double>(most); };
    drop_worse(near.all, find_crossing(
                             near.all, [](const Candidate&) { return 1.0; }, is_enough)
                             .at);
  }
  for (const Candidate& c : near.all) near.total += c.p;
  const double largest = std::exp(-nats);
  near.rest = largest < min_p ? 0 : static_cast<double>(most - near.all.size()) * largest;
  return near;
}

/// The token that u in [0, 1) falls on when those that remain stand by p, best first; none when that depends on `rest`.
std::optional<int32_t> draw_near(Near near, double u, double top_p) {
  const auto weight = [](const Candidate& c) { return c.p; };
  if (top_p < 1) {
    const auto last = find_crossing(near.all, weight, [&](double sum) { return sum >= top_p * near.total; });
    if (near.rest > 0 && last.sum < top_p * (near.total + near.rest)) return std::nullopt;
    drop_worse(near.all, last.at);
    near.total = last.sum;
    near.rest = 0;
  }
  const auto drawn = find_crossing(near.all, weight, [&](double sum) { return sum > u * near.total; });
  if (near.rest > 0 && drawn.sum <= u * (near.total + near.rest)) return std::nullopt;
  return drawn.at.token;
}

int32_t draw(std::span<const float> logits, float top, const SamplingOptions& o, double u) {
  for (const double nats : {8.0, 16.0, 32.0}) {
    if (const auto token = draw_near(tokens_near_top(logits, top, nats, o), u, o.top_p)) return *token;
  }
  return *draw_near(tokens_near_top(logits, top, std::numeric_limits<double>::infinity(), o), u, o.top_p);
}

}  // namespace

ScoredToken score(std::span<const float> logits, int32_t token, int32_t n_alternatives) {
  const double norm = log_sum_exp(logits);
  const auto logprob = [&](int32_t t) { return static_cast<float>(static_cast<double>(logits[index(t)]) - norm); };
  ScoredToken scored{{token, logprob(token)}, {}};
  for (const int32_t t : most_likely(logits, static_cast<size_t>(n_alternatives))) {
    scored.alternatives.push_back({t, logprob(t)});
  }
  return scored;
}

Result<Sampled> sample(std::span<float> logits, const SamplingOptions& options, const TokenCounts& counts,
                       uint64_t seed, uint64_t position) {
  Survey found = survey(logits);
  if (!found.is_finite) {
    const auto bad = std::find_if(logits.begin(), logits.end(), [](float v) { return !std::isfinite(v); });
    return fail(Code::kInternal, "logit of token {} is {}: the model's output cannot be trusted", bad - logits.begin(),
                *bad);
  }
  std::vector<float>& raw = work_space().raw;
  if (options.n_logprobs) raw.assign(logits.begin(), logits.end());
  if (penalize(logits, options, counts)) found = survey(logits);
  Sampled out;
  if (options.temperature == 0.0f) {
    out.token = static_cast<int32_t>(found.at);
  } else {
    out.token = draw(logits, found.top, options, uniform_at(seed, position));
  }
  if (options.n_logprobs) {
    ScoredToken scored = score(raw, out.token, *options.n_logprobs);
    out.chosen = scored.chosen;
    out.alternatives = std::move(scored.alternatives);
  }
  return out;
}

}  // namespace drawbridge
