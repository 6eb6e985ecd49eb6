#include "load/knee_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

/// The rates that are tried when the server keeps up with `capacity`.
std::vector<double> rates(double start, double capacity) {
  KneeSearch search(start);
  std::vector<double> tried;
  while (const auto rate = search.next()) {
    tried.push_back(*rate);
    search.add(*rate, *rate > capacity);
  }
  return tried;
}

TEST(KneeSearch, DoublesUntilSaturatedAndLooksBetween) {
  EXPECT_THAT(rates(1, 5), ElementsAre(1, 2, 4, 8, DoubleNear(5.66, 0.01)));
}

TEST(KneeSearch, HalvesWhereTheStartIsTooMuch) {
  EXPECT_THAT(rates(1, 0.3), ElementsAre(1, 0.5, 0.25, DoubleNear(0.354, 0.001)));
}

TEST(KneeSearch, GivesUpOnAServerThatNothingSaturates) {
  EXPECT_EQ(rates(1, 1e9).size(), 16u);
}

/// One request a second for 60 seconds, each answered after `latency(i)` seconds.
template <typename Latency>
LoadRun run_of(Latency latency) {
  LoadRun run;
  for (int i = 0; i < 60; ++i) {
    RequestRecord r;
    r.due_s = i;
    r.first_token_s = i + latency(i) / 2;
    r.end_s = i + latency(i);
    run.requests.push_back(r);
  }
  run.arrivals_end_s = 59;
  return run;
}

TEST(Saturation, IsNotInASteadyRun) {
  EXPECT_EQ(saturation(run_of([](int) { return 10.0; })), "");
}

TEST(Saturation, IsInGrowingTimesToFirstToken) {
  EXPECT_THAT(saturation(run_of([](int i) { return 1 + i * 0.2; })), HasSubstr("time to first token grew from"));
}

/// First tokens come at once, but answers pile up.
TEST(Saturation, IsInAnswersThatDoNotEnd) {
  LoadRun run = run_of([](int i) { return 1.0 * i; });
  for (RequestRecord& r : run.requests) r.first_token_s = r.due_s + 0.01;
  EXPECT_THAT(saturation(run), HasSubstr("requests ended while 30 came"));
}

TEST(Saturation, IsInFailures) {
  LoadRun run = run_of([](int) { return 1.0; });
  for (size_t i = 0; i < 10; ++i) run.requests[i].error = "HTTP 503";
  EXPECT_EQ(saturation(run), "10 of 60 requests failed");
}

}  // namespace
}  // namespace drawbridge
