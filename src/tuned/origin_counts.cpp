#include "tuned/origin_counts.h"

#include <ctime>

namespace drawbridge {
namespace {

/// Of a counter that one thread alone changes.
void increase(std::atomic<int64_t>& counter, int64_t by) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

/// A clock that costs no system call and no reading of the processor's own: products are many, minutes are long.
int64_t OriginCounts::coarse_minute() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec / 60;
}

void OriginCounts::add(PlanOrigin origin, int64_t n_tokens) {
  const auto place = static_cast<size_t>(origin);
  const int64_t minute = minute_();
  Slot& slot = ring_[static_cast<size_t>(minute % kMinutes)];
  if (slot.minute.load(std::memory_order_relaxed) != minute) {
    for (auto& n : slot.n) n.store(0, std::memory_order_relaxed);
    slot.minute.store(minute, std::memory_order_relaxed);
  }
  increase(slot.n[place], n_tokens);
  increase(total_[place], n_tokens);
}

OriginCounts::Counts OriginCounts::since_start() const {
  Counts counts = {};
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = total_[i].load(std::memory_order_relaxed);
  return counts;
}

OriginCounts::Counts OriginCounts::last_hour() const {
  Counts counts = {};
  const int64_t now = minute_();
  for (const Slot& slot : ring_) {
    if (now - slot.minute.load(std::memory_order_relaxed) >= kMinutes) continue;
    for (size_t i = 0; i < counts.size(); ++i) counts[i] += slot.n[i].load(std::memory_order_relaxed);
  }
  return counts;
}

}  // namespace drawbridge
