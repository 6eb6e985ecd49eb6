// DiscordantTable: two systems, right or wrong on the same items. Items on which both agree say nothing of a
// difference; the tests and the interval here rest on those where exactly one is right.
#pragma once

#include <cstdint>

#include "stats/interval.h"

namespace drawbridge {

struct DiscordantTable {
  int64_t both = 0;            // right in both systems
  int64_t only_baseline = 0;   // lost by the candidate
  int64_t only_candidate = 0;  // won by the candidate
  int64_t neither = 0;

  int64_t n() const { return both + only_baseline + only_candidate + neither; }
  int64_t n_discordant() const { return only_baseline + only_candidate; }
  /// Candidate's minus baseline's share of right answers.
  double difference() const;
};

/// Two-sided p of "both systems are right equally often": McNemar's test, exact (binomial).
double mcnemar_exact(const DiscordantTable& table);
/// The same with half of the observed point's probability (Fagerland, Lydersen, Laake 2013): less conservative.
double mcnemar_mid_p(const DiscordantTable& table);

/// Score interval of the difference (Tango 1998). Sound also where no item is discordant: its width then follows from
/// n.
Interval tango_interval(const DiscordantTable& table, double confidence);

}  // namespace drawbridge
