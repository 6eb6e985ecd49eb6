#include "server/worker.h"

#include <gtest/gtest.h>

#include <future>

namespace drawbridge {
namespace {

TEST(Worker, RunsTasksInOrderAndAllOfThem) {
  std::vector<int> seen;
  {
    Worker worker;
    for (int i = 0; i < 1000; ++i) worker.post([&seen, i] { seen.push_back(i); });
  }
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
}

TEST(Worker, FlushWaitsForWhatWasPostedBefore) {
  Worker worker;
  bool done = false;
  worker.post([&] { done = true; });
  worker.flush();
  EXPECT_TRUE(done);
}

TEST(Worker, TicksWhileNothingIsPosted) {
  std::promise<void> third;
  int n = 0;
  Worker worker(std::chrono::milliseconds(1), [&] {
    if (++n == 3) third.set_value();
  });
  third.get_future().wait();
}

}  // namespace
}  // namespace drawbridge
