// DistributionReport: how far a candidate checkpoint's predictions lie from a reference checkpoint's on the same text.
// KL divergence ranks coarse damage; near the reference it says little about accuracy, so it is a gate, not a score.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stats/interval.h"

namespace drawbridge {

/// Predictions at positions [from, to) of their windows.
struct PositionBucket {
  int64_t from = 0;
  int64_t to = 0;
  int64_t n_tokens = 0;
  double reference_nll = 0;  // mean, nats a token
  double candidate_nll = 0;  // mean
  double kl_mean = 0;
  double top1 = 0;  // share of equal most likely tokens
};

/// KL(reference || candidate) of single predictions, nats.
struct KlSpread {
  double mean = 0;
  double median = 0;
  double p90 = 0;
  double p99 = 0;
  double max = 0;
};

/// Counts of predictions with KL in (edge[i], edge[i + 1]]; the first bin also holds what lies below it.
struct KlHistogram {
  std::vector<double> edge;    // n + 1
  std::vector<int64_t> count;  // n
};

/// Chosen sets of one layer: experts of tokens, or positions of the indexer.
struct LayerAgreement {
  int64_t layer = 0;
  int64_t n = 0;       // sets compared
  double equal = 0;    // share of equal sets
  double overlap = 0;  // mean |A and B| / |A|, A being the reference's
  double jaccard = 0;  // mean |A and B| / |A or B|
};

/// Random tokens seen for the second time in a window: what the model copies shows whether it still finds them.
struct CanaryScore {
  int64_t length = 0;  // tokens from the first copy to the end of the second
  int64_t n_windows = 0;
  double reference_first = 0;   // mean log-probability of a token in the first copy, nats
  double reference_second = 0;  // in the second copy
  double candidate_first = 0;
  double candidate_second = 0;
  double kl_second = 0;  // mean KL(reference || candidate) in the second copy
};

struct DistributionReport {
  std::string reference;
  std::string candidate;
  std::string reference_setting;  // numerics, inputs of products, cache
  std::string candidate_setting;
  std::string text;  // where the tokens come from
  int64_t index_topk = 0;
  int64_t context = 0;  // tokens of a window
  int64_t n_windows = 0;
  int64_t n_tokens = 0;  // predictions
  double reference_perplexity = 0;
  double candidate_perplexity = 0;
  std::optional<Interval> perplexity_ratio;  // 95 % of candidate / reference, windows as clusters; from two windows on
  KlSpread kl;
  KlHistogram histogram;
  double top1 = 0;
  std::vector<PositionBucket> buckets;
  std::vector<LayerAgreement> experts;  // sparse layers
  std::vector<LayerAgreement> indices;  // full layers, positions from index_topk on
  std::vector<CanaryScore> canaries;
};

/// All layers as one; n of 0 if nothing was compared.
LayerAgreement total_agreement(const std::vector<LayerAgreement>& layers);

}  // namespace drawbridge
