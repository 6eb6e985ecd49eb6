#include "sched/brown_out.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace drawbridge {
namespace {

struct StageRule {
  const char* name;
  double enter;             // from this pressure on
  double leave;             // below this one
  int32_t lowest_priority;  // that is taken
};

constexpr int32_t kEverybody = std::numeric_limits<int32_t>::min();
constexpr std::array<StageRule, kBrownOutStages> kRules = {{
    {"none", 0, 0, kEverybody},
    {"shrink", 0.5, 0.35, kEverybody},
    {"shed_low", 0.75, 0.6, 0},
    {"shed_most", 0.9, 0.75, 1},
    {"closed", 1, 0.85, std::numeric_limits<int32_t>::max()},
}};

const StageRule& rule(BrownOutStage stage) {
  return kRules[static_cast<size_t>(stage)];
}

}  // namespace

double Load::pressure() const {
  // A full cache is how a busy server works; it is pressure as far as requests wait for it.
  return std::max({queue, wait, std::min(pages, 2 * queue)});
}

BrownOutStage BrownOut::update(const Load& load) {
  const double pressure = load.pressure();
  int stage = static_cast<int>(stage_);
  while (stage + 1 < kBrownOutStages && pressure >= kRules[static_cast<size_t>(stage) + 1].enter) ++stage;
  if (stage == static_cast<int>(stage_) && stage > 0 && pressure < rule(stage_).leave) --stage;
  return stage_ = static_cast<BrownOutStage>(stage);
}

bool refuses(BrownOutStage stage, int32_t priority) {
  return stage == BrownOutStage::kClosed || priority < rule(stage).lowest_priority;
}

int64_t retry_after_s(int64_t n_waiting, double ends_per_s) {
  constexpr double kLongest = 60;
  if (ends_per_s <= 0) return static_cast<int64_t>(kLongest);
  return static_cast<int64_t>(std::clamp(std::ceil(static_cast<double>(n_waiting) / ends_per_s), 1.0, kLongest));
}

const char* brown_out_name(BrownOutStage stage) {
  return rule(stage).name;
}

}  // namespace drawbridge
