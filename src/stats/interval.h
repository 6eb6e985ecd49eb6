// Interval: two ends of a confidence interval.
#pragma once

namespace drawbridge {

struct Interval {
  double low = 0;
  double high = 0;
};

}  // namespace drawbridge
