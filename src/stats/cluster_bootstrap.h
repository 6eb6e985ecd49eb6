// Differences of items that are not independent: answers to one question over several seeds form a cluster, and only
// clusters are drawn at random. Both methods below resample clusters, seeded, so a report can be repeated to the bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/interval.h"

namespace drawbridge {

/// The items of one question.
struct Cluster {
  double sum = 0;  // of candidate - baseline
  int64_t n = 0;
};

/// Replicates of the mean difference per item over clusters drawn with replacement.
class ClusterBootstrap {
 public:
  ClusterBootstrap(std::span<const Cluster> clusters, int64_t n_resamples, uint64_t seed);

  /// Bias-corrected and accelerated (Efron 1987): the end below which a share `level` of the distribution lies.
  double bound(double level) const;
  Interval interval(double confidence) const;

 private:
  std::vector<double> replicates_;  // ascending
  double bias_ = 0;                 // z0; 0 if every replicate lies on one side
  double acceleration_ = 0;
};

/// Two-sided p of "each question's differences could as well have the other sign": flips the signs of whole clusters.
double sign_flip_p(std::span<const Cluster> clusters, int64_t n_resamples, uint64_t seed);

}  // namespace drawbridge
