// TunedPlans: plans for a backend out of a table, each with where it comes from.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backend/tile_limits.h"
#include "tuned/origin_counts.h"
#include "tuned/table.h"

namespace drawbridge {

struct FoundPlan {
  TilePlan plan;
  PlanOrigin origin = PlanOrigin::kDefault;
};

/// The rows of one device, ready to be looked up.
class DevicePlans {
 public:
  DevicePlans() = default;
  /// Plans beyond `limits` are cut to them, those by default too.
  DevicePlans(const TunedTable& table, const TunedDevice& device, const TileLimits& limits = {});

  bool empty() const { return rows_.empty(); }
  /// The rows that were cut: "linear mxfp4 x int8 N=512 K=1024 tokens=64: 16x4+expand runs as 4x4".
  const std::vector<std::string>& cut() const { return cut_; }
  /// The row of exactly so many tokens; between two rows the nearer one in log2; else default_plan.
  FoundPlan find(const ProductKey& key, int64_t n_tokens) const;

 private:
  std::map<ProductKey, std::map<int64_t, FoundPlan>> rows_;
  TileLimits limits_;
  std::vector<std::string> cut_;
};

/// Threads: find() on one at a time; counts() on any.
class TunedPlans : public PlanSource {
 public:
  /// Without rows every product has its default plan, and nothing is said of single ones.
  explicit TunedPlans(DevicePlans rows = {}) : rows_(std::move(rows)) {}

  /// Says once on the log, by name, which product it has no row for.
  TilePlan find(const ProductKey& key, int64_t n_tokens) override;

  const DevicePlans& rows() const { return rows_; }
  const OriginCounts& counts() const { return counts_; }
  /// The products asked for so far, each with the most tokens at once.
  const std::map<ProductKey, int64_t>& seen() const { return seen_; }

 private:
  struct Remembered {
    ProductKey key;
    int64_t n_tokens = 0;  // 0: nothing yet
    FoundPlan found;
  };
  static constexpr size_t kRemembered = 256;

  FoundPlan look_up(const ProductKey& key, int64_t n_tokens);

  DevicePlans rows_;
  OriginCounts counts_;
  std::map<ProductKey, int64_t> seen_;
  std::set<ProductKey> said_;
  std::array<Remembered, kRemembered> remembered_ = {};  // steps ask the same again and again
};

}  // namespace drawbridge
