// The stages of an overload: entered in order, left late, and by whom they are felt.
#include "sched/brown_out.h"

#include <gtest/gtest.h>

#include <random>

namespace drawbridge {
namespace {

TEST(BrownOut, AFullCacheAloneIsNoOverload) {
  BrownOut brown_out;
  EXPECT_EQ(brown_out.update({.queue = 0, .pages = 1, .wait = 0}), BrownOutStage::kNone);
  EXPECT_EQ(brown_out.update({.queue = 0.3, .pages = 1, .wait = 0}), BrownOutStage::kShrink);
}

TEST(BrownOut, RisesAtOnceAndFallsOneStageAtATimeWithALag) {
  BrownOut brown_out;
  EXPECT_EQ(brown_out.update({.queue = 1}), BrownOutStage::kClosed);
  EXPECT_EQ(brown_out.update({.queue = 0.9}), BrownOutStage::kClosed);  // entered at 1, left below 0.85
  EXPECT_EQ(brown_out.update({.queue = 0.8}), BrownOutStage::kShedMost);
  EXPECT_EQ(brown_out.update({.queue = 0}), BrownOutStage::kShedLow);
  EXPECT_EQ(brown_out.update({.queue = 0}), BrownOutStage::kShrink);
  EXPECT_EQ(brown_out.update({.queue = 0}), BrownOutStage::kNone);
  EXPECT_EQ(brown_out.update({.wait = 0.8}), BrownOutStage::kShedLow);  // a long wait counts as a long queue does
}

TEST(BrownOut, RefusesByClass) {
  struct Case {
    BrownOutStage stage;
    bool low, normal, high;
  };
  for (const Case& c :
       {Case{BrownOutStage::kNone, false, false, false}, Case{BrownOutStage::kShrink, false, false, false},
        Case{BrownOutStage::kShedLow, true, false, false}, Case{BrownOutStage::kShedMost, true, true, false},
        Case{BrownOutStage::kClosed, true, true, true}}) {
    EXPECT_EQ(refuses(c.stage, -1), c.low) << brown_out_name(c.stage);
    EXPECT_EQ(refuses(c.stage, 0), c.normal) << brown_out_name(c.stage);
    EXPECT_EQ(refuses(c.stage, 1), c.high) << brown_out_name(c.stage);
  }
}

/// Noise narrower than a stage's lag never makes it flicker.
TEST(BrownOut, NoiseDoesNotFlicker) {
  std::mt19937 random(1);
  for (const double level : {0.2, 0.43, 0.68, 0.83, 0.95}) {
    BrownOut brown_out;
    std::uniform_real_distribution<double> noise(level - 0.06, level + 0.06);
    int n_changes = 0;
    BrownOutStage last = BrownOutStage::kNone;
    for (int i = 0; i < 1000; ++i) {
      const BrownOutStage stage = brown_out.update({.queue = noise(random)});
      n_changes += stage != last ? 1 : 0;
      last = stage;
    }
    EXPECT_LE(n_changes, kBrownOutStages) << level;
  }
}

TEST(BrownOut, ClientsComeBackWhenTheQueueHasGone) {
  EXPECT_EQ(retry_after_s(30, 3), 10);
  EXPECT_EQ(retry_after_s(0, 3), 1);
  EXPECT_EQ(retry_after_s(1000, 0.1), 60);
  EXPECT_EQ(retry_after_s(5, 0), 60);
}

}  // namespace
}  // namespace drawbridge
