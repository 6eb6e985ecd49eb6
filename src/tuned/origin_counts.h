// OriginCounts: by where their plans came from, the tokens that went through products: since start, and in the last 60
// minutes, in a ring of minutes.
// Threads: one counts, any may read. A reader that comes while a minute begins may miss what it replaces.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "tuned/row.h"

namespace drawbridge {

class OriginCounts {
 public:
  using Counts = std::array<int64_t, kPlanOrigins>;

  /// `minute` tells the time in minutes since any moment.
  explicit OriginCounts(int64_t (*minute)() = coarse_minute) : minute_(minute) {}

  void add(PlanOrigin origin, int64_t n_tokens);
  Counts since_start() const;
  Counts last_hour() const;

 private:
  static constexpr int64_t kMinutes = 60;
  static int64_t coarse_minute();

  struct Slot {
    std::atomic<int64_t> minute = -kMinutes;
    std::array<std::atomic<int64_t>, kPlanOrigins> n = {};
  };

  int64_t (*minute_)();
  std::array<std::atomic<int64_t>, kPlanOrigins> total_ = {};
  std::array<Slot, kMinutes> ring_ = {};
};

}  // namespace drawbridge
