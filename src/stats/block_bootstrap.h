// Circular block bootstrap (Politis and Romano 1992): intervals of a statistic of values that follow each other in time
// and depend on each other, as the waiting times of a queue do. Whole blocks of neighbours are drawn, so that what a
// value owes to those before it stays in the resample; drawing single values would give intervals that are too narrow.
// Blocks go on at the beginning when they reach the end: otherwise few would hold the last values, and where a server
// saturates, so that waiting times grow, the interval of a high percentile would lie below the percentile itself.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "stats/interval.h"

namespace drawbridge {

struct BlockBootstrapOptions {
  size_t block_length = 1;  // values of a block
  int64_t n_resamples = 1000;
  uint64_t seed = 0;
};

/// Twice the integrated autocorrelation time of the series, at least the cube root of its length, at most a quarter.
size_t block_length_for(std::span<const double> series);

/// Calls `visit` with the places (in [0, n), as many) of each resample.
void for_each_resample(size_t n, const BlockBootstrapOptions& options,
                       const std::function<void(std::span<const size_t>)>& visit);

/// Ends between which the middle share `confidence` of the replicates lies; reorders them.
Interval percentile_interval(std::vector<double>& replicates, double confidence);

}  // namespace drawbridge
