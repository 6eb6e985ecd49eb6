#include "eval/distribution_meter.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "stats/normal.h"

namespace drawbridge {
namespace {

constexpr int64_t kFirstBucket = 128;  // positions; each later bucket is as long as all before it

int64_t bucket_from(int64_t position) {
  if (position < kFirstBucket) return 0;
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(position)));
}

int64_t bucket_to(int64_t from) {
  return from == 0 ? kFirstBucket : 2 * from;
}

double log_sum_exp(std::span<const float> logits) {
  DB_CHECK(!logits.empty());
  const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - top);
  return top + std::log(sum);
}

/// sum p_ref (log p_ref - log p_cand), the totals being log sum exp of each.
double divergence(std::span<const float> reference, double reference_total, std::span<const float> candidate,
                  double candidate_total) {
  double sum = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double log_p = static_cast<double>(reference[i]) - reference_total;
    sum += std::exp(log_p) * (log_p - (static_cast<double>(candidate[i]) - candidate_total));
  }
  return sum < 0 ? 0 : sum;  // rounding may leave -1e-17
}

std::ptrdiff_t largest(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

/// Linear interpolation in ascending values.
double quantile(const std::vector<float>& ascending, double level) {
  const double place = level * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, ascending.size() - 1);
  return std::lerp(static_cast<double>(ascending[below]), static_cast<double>(ascending[above]),
                   place - static_cast<double>(below));
}

/// Three bins a decade from 1e-9 to 100 nats.
KlHistogram histogram_of(const std::vector<float>& values) {
  constexpr int kBinsPerDecade = 3, kDecades = 11, kFirstExponent = -9;
  constexpr int kBins = kBinsPerDecade * kDecades;
  KlHistogram histogram;
  for (int i = 0; i <= kBins; ++i) {
    histogram.edge.push_back(std::pow(10.0, kFirstExponent + static_cast<double>(i) / kBinsPerDecade));
  }
  histogram.count.assign(kBins, 0);
  for (const float value : values) {
    const auto at = std::lower_bound(histogram.edge.begin() + 1, histogram.edge.end() - 1, static_cast<double>(value));
    ++histogram.count[static_cast<size_t>(at - histogram.edge.begin()) - 1];
  }
  return histogram;
}

}  // namespace

Result<PredictionPair> compare_prediction(std::span<const float> reference, std::span<const float> candidate,
                                          int32_t next) {
  DB_CHECK(reference.size() == candidate.size());
  const double reference_total = log_sum_exp(reference), candidate_total = log_sum_exp(candidate);
  const double kl = divergence(reference, reference_total, candidate, candidate_total);
  if (!std::isfinite(kl)) {
    return fail(Code::kCorrupt, "wanted finite logits, the {} gave others",
                std::isfinite(reference_total) ? "candidate" : "reference");
  }
  const auto place = static_cast<size_t>(next);
  return PredictionPair{reference_total - static_cast<double>(reference[place]),
                        candidate_total - static_cast<double>(candidate[place]), kl};
}

void DistributionMeter::Sums::add(const Sums& other) {
  n += other.n;
  reference_nll += other.reference_nll;
  candidate_nll += other.candidate_nll;
  kl += other.kl;
  n_top1 += other.n_top1;
}

Status DistributionMeter::add_prediction(int64_t window, int64_t position, std::span<const float> reference,
                                         std::span<const float> candidate, int32_t next) {
  const auto pair = compare_prediction(reference, candidate, next);
  if (!pair.ok()) {
    return fail(Code::kCorrupt, "window {}, position {}: {}", window, position, pair.status().message());
  }
  const Sums one{1, pair->reference_nll, pair->candidate_nll, pair->kl,
                 largest(reference) == largest(candidate) ? 1 : 0};
  kl_.push_back(static_cast<float>(pair->kl));
  by_window_[window].add(one);
  by_bucket_[bucket_from(position)].add(one);
  return Status();
}

void DistributionMeter::fill(DistributionReport& report) const {
  Sums all;
  for (const auto& [window, sums] : by_window_) all.add(sums);
  report.n_windows = static_cast<int64_t>(by_window_.size());
  report.n_tokens = all.n;
  if (all.n == 0) return;
  const auto n = static_cast<double>(all.n);
  report.top1 = static_cast<double>(all.n_top1) / n;
  report.kl.mean = all.kl / n;
  fill_kl(report);
  fill_perplexity(all, report);
  for (const auto& [from, sums] : by_bucket_) {
    const auto count = static_cast<double>(sums.n);
    report.buckets.push_back({from, bucket_to(from), sums.n, sums.reference_nll / count, sums.candidate_nll / count,
                              sums.kl / count, static_cast<double>(sums.n_top1) / count});
  }
}

void DistributionMeter::fill_kl(DistributionReport& report) const {
  std::vector<float> ascending = kl_;
  std::sort(ascending.begin(), ascending.end());
  report.kl.median = quantile(ascending, 0.5);
  report.kl.p90 = quantile(ascending, 0.9);
  report.kl.p99 = quantile(ascending, 0.99);
  report.kl.max = static_cast<double>(ascending.back());
  report.histogram = histogram_of(ascending);
}

/// Tokens of one window are not independent: the ratio's interval takes windows as clusters. One window tells none.
void DistributionMeter::fill_perplexity(const Sums& all, DistributionReport& report) const {
  const auto n = static_cast<double>(all.n);
  report.reference_perplexity = std::exp(all.reference_nll / n);
  report.candidate_perplexity = std::exp(all.candidate_nll / n);
  const double log_ratio = (all.candidate_nll - all.reference_nll) / n;
  const auto n_windows = static_cast<double>(by_window_.size());
  if (by_window_.size() < 2) return;
  double squares = 0;
  for (const auto& [window, sums] : by_window_) {
    squares += std::pow(sums.candidate_nll - sums.reference_nll - static_cast<double>(sums.n) * log_ratio, 2);
  }
  const double half = normal_quantile(0.975) * std::sqrt(squares * n_windows / (n_windows - 1)) / n;
  report.perplexity_ratio = Interval{std::exp(log_ratio - half), std::exp(log_ratio + half)};
}

void SetMeter::add(std::span<const int32_t> reference, std::span<const int32_t> candidate) {
  const auto chosen = [](std::span<const int32_t> set) {
    std::vector<int32_t> sorted(set.begin(), set.end());
    std::erase(sorted, -1);
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  };
  const std::vector<int32_t> a = chosen(reference), b = chosen(candidate);
  std::vector<int32_t> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  const auto n_common = static_cast<double>(common.size());
  const double n_union = static_cast<double>(a.size() + b.size()) - n_common;
  ++n_;
  n_equal_ += a == b ? 1 : 0;
  overlap_ += a.empty() ? 1 : n_common / static_cast<double>(a.size());
  jaccard_ += n_union == 0 ? 1 : n_common / n_union;
}

LayerAgreement SetMeter::agreement(int64_t layer) const {
  const auto n = static_cast<double>(std::max<int64_t>(n_, 1));
  return {layer, n_, static_cast<double>(n_equal_) / n, overlap_ / n, jaccard_ / n};
}

}  // namespace drawbridge
