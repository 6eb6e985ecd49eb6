// BrownOut: what an overloaded server refuses, in stages, so that it slows for few before it fails for all.
//
// Pressure is the worst of three ratios, each of which is 1 where a request would have to wait too long: requests in
// the queue, pages held, and the seconds that the oldest has waited. A stage is entered at its pressure and left only
// at a lower one, one stage at a time, so that answers do not flicker between 200 and 429.
// Pure: the same pressures give the same stages. Threads: one.
#pragma once

#include <cstdint>

namespace drawbridge {

enum class BrownOutStage {
  kNone,
  kShrink,    // half of a step for prompts; no second choice for one prompt
  kShedLow,   // and requests of negative priority are told to come back
  kShedMost,  // and all but those of positive priority
  kClosed,    // nobody is taken
};
inline constexpr int kBrownOutStages = 5;

struct Load {
  double queue = 0;  // waiting / allowed to wait
  double pages = 0;  // pages that are held / pages; counts only while requests wait
  double wait = 0;   // seconds of the oldest waiting request / the longest that is acceptable

  double pressure() const;
};

class BrownOut {
 public:
  /// Moves to the stage for this load and returns it.
  BrownOutStage update(const Load& load);
  BrownOutStage stage() const { return stage_; }

 private:
  BrownOutStage stage_ = BrownOutStage::kNone;
};

/// Whether a stage refuses a request of this priority.
bool refuses(BrownOutStage stage, int32_t priority);
/// After how many seconds a refused client should try again: as long as the queue takes at the rate of its ends.
int64_t retry_after_s(int64_t n_waiting, double ends_per_s);

const char* brown_out_name(BrownOutStage stage);

}  // namespace drawbridge
