// DistributionMeter: sums up how two models predict the same tokens, one prediction at a time. Keeps four bytes a
// prediction (its divergence), whatever the vocabulary.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "eval/distribution_report.h"

namespace drawbridge {

class DistributionMeter {
 public:
  /// Logits [V] of both at `position` of window `window`, and the token that really came next. Error: logits that are
  /// not finite.
  Status add_prediction(int64_t window, int64_t position, std::span<const float> reference,
                        std::span<const float> candidate, int32_t next);

  /// Fills in everything about predictions.
  void fill(DistributionReport& report) const;

 private:
  struct Sums {
    int64_t n = 0;
    double reference_nll = 0;
    double candidate_nll = 0;
    double kl = 0;
    int64_t n_top1 = 0;

    void add(const Sums& other);
  };

  void fill_kl(DistributionReport& report) const;
  void fill_perplexity(const Sums& all, DistributionReport& report) const;

  std::vector<float> kl_;
  std::map<int64_t, Sums> by_window_;
  std::map<int64_t, Sums> by_bucket_;  // key: first position of the bucket
};

/// Compares chosen sets of one layer; -1 stands for no choice.
class SetMeter {
 public:
  void add(std::span<const int32_t> reference, std::span<const int32_t> candidate);
  LayerAgreement agreement(int64_t layer) const;

 private:
  int64_t n_ = 0;
  int64_t n_equal_ = 0;
  double overlap_ = 0;
  double jaccard_ = 0;
};

/// Nats.
struct PredictionPair {
  double reference_nll = 0;
  double candidate_nll = 0;
  double kl = 0;  // KL(reference || candidate)
};
/// One prediction of both models and the token that really came next. Error: logits that are not finite.
Result<PredictionPair> compare_prediction(std::span<const float> reference, std::span<const float> candidate,
                                          int32_t next);

}  // namespace drawbridge
