// compare_paired: is a candidate system as good as the baseline on the same items, up to a margin fixed beforehand?
// "No significant difference" is not the question: a small sample shows none either. Non-inferiority is shown when even
// the pessimistic end of the difference (one-sided 5 %) lies above -margin.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "stats/discordant.h"
#include "stats/interval.h"

namespace drawbridge {

/// One item answered by both systems; scores in [0, 1]. Items of one question over several seeds share a cluster.
struct PairedItem {
  std::string cluster;
  double baseline = 0;
  double candidate = 0;
};

struct PairedOptions {
  double margin = 0.01;  // the largest loss that does not matter, as a share: 0.01 is one point
  double confidence = 0.95;
  int64_t n_resamples = 10000;
  uint64_t seed = 1;
};

/// The values that compare_paired takes; errors name the option.
Status check_paired_options(const PairedOptions& options);

enum class Verdict {
  kNonInferior,  // a loss of the margin or more is excluded
  kInferior,     // the loss exceeds the margin
  kNotShown,     // the items are too few to say either
};
const char* verdict_name(Verdict verdict);

enum class PairedMethod {
  kScore,      // right or wrong, once each: McNemar and Tango's interval
  kBootstrap,  // clusters or partial scores: sign flips and BCa intervals over clusters
};

struct PairedReport {
  int64_t n_items = 0;
  int64_t n_clusters = 0;
  int64_t n_differing = 0;  // clusters in which the systems' scores do not sum to the same
  double baseline = 0;      // mean score
  double candidate = 0;     // mean score
  double difference = 0;    // candidate - baseline
  PairedMethod method = PairedMethod::kScore;
  Interval interval;                     // of the difference, two-sided at options.confidence
  double lower_bound = 0;                // of the difference, one-sided 5 %
  double upper_bound = 0;                // of the difference, one-sided 5 %
  double p_value = 1;                    // of no difference, two-sided
  std::optional<double> mid_p;           // of kScore
  std::optional<DiscordantTable> table;  // when all scores are 0 or 1; of items, also when they are clustered
  double discordance = 0;                // mean squared difference per cluster: the share of flips if items are single
  Verdict verdict = Verdict::kNotShown;
  /// Clusters that would show non-inferiority with power 80 % if the systems are equally good and flips stay as
  /// frequent (if none was seen: as if one had been).
  int64_t n_clusters_needed = 0;
};

/// At least one item; options must pass check_paired_options.
PairedReport compare_paired(std::span<const PairedItem> items, const PairedOptions& options);

}  // namespace drawbridge
