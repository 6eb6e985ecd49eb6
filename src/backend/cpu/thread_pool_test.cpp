#include "backend/cpu/thread_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <set>

namespace drawbridge {
namespace {

constexpr int64_t kHeavy = int64_t{1} << 40;  // a cost that makes as many parts as there may be

/// How often each of n items was visited, by threads in [0, size).
std::vector<int> visits(ThreadPool& pool, int64_t n, int64_t cost) {
  std::vector<std::atomic<int>> count(static_cast<size_t>(n));
  pool.parallel_for(n, cost, [&](int64_t from, int64_t to, int thread) {
    EXPECT_TRUE(thread >= 0 && thread < pool.size());
    for (int64_t i = from; i < to; ++i) ++count[static_cast<size_t>(i)];
  });
  return {count.begin(), count.end()};
}

TEST(ThreadPool, VisitsEachItemOnce) {
  for (const int n_threads : {1, 2, 3, 8}) {
    const auto pool = ThreadPool::start(n_threads).value();
    EXPECT_EQ(pool->size(), n_threads);
    for (const int64_t n : {0, 1, 2, 3, 7, 31, 257}) {
      for (const int64_t cost : {int64_t{0}, int64_t{1}, int64_t{70000}, kHeavy / 512}) {
        EXPECT_EQ(visits(*pool, n, cost), std::vector<int>(static_cast<size_t>(n), 1)) << n << " x " << cost;
      }
    }
  }
}

TEST(ThreadPool, WeightedPartsCoverItemsWithAndWithoutCost) {
  const std::vector<std::vector<int64_t>> all_costs = {{0, 0, 0},      {kHeavy},
                                                       {0, kHeavy, 0}, {kHeavy, 1, 1, 1, kHeavy, 0, 0},
                                                       {1, 2, 3},      {0, 0, 100000, 100000, 100000, 0}};
  for (const int n_threads : {1, 2, 3, 8}) {
    const auto pool = ThreadPool::start(n_threads).value();
    for (const auto& costs : all_costs) {
      std::vector<std::atomic<int>> count(costs.size());
      const auto cost = [&](int64_t i) { return costs[static_cast<size_t>(i)]; };
      pool->parallel_for_weighted(static_cast<int64_t>(costs.size()), cost, [&](int64_t from, int64_t to, int) {
        for (int64_t i = from; i < to; ++i) ++count[static_cast<size_t>(i)];
      });
      EXPECT_EQ(std::vector<int>(count.begin(), count.end()), std::vector<int>(costs.size(), 1));
    }
  }
}

/// Plain writes of the body are seen by the caller afterwards and by the next loop: nothing here is atomic.
TEST(ThreadPool, LoopsFollowEachOther) {
  const auto pool = ThreadPool::start(3).value();
  std::vector<int64_t> value(97, 0);
  for (int round = 0; round < 2000; ++round) {
    pool->parallel_for(97, kHeavy / 128, [&](int64_t from, int64_t to, int) {
      for (int64_t i = from; i < to; ++i) value[static_cast<size_t>(96 - i)] += i;
    });
    if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the workers fall asleep
  }
  for (int64_t i = 0; i < 97; ++i) ASSERT_EQ(value[static_cast<size_t>(96 - i)], 2000 * i);
}

TEST(ThreadPool, LightWorkStaysOnTheCaller) {
  const auto pool = ThreadPool::start(4).value();
  const auto caller = std::this_thread::get_id();
  pool->parallel_for(1000, 10, [&](int64_t from, int64_t to, int thread) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(thread, 0);
    EXPECT_EQ(to - from, 1000);
  });
}

TEST(ThreadPool, CountsSharedLoopsAndTheWaitAtTheirEnds) {
  const auto pool = ThreadPool::start(2).value();
  pool->parallel_for(1000, 10, [](int64_t, int64_t, int) {});
  EXPECT_EQ(pool->n_regions(), 0);
  // The other thread takes longer, so the caller waits, unless the system has put it aside for as long.
  std::atomic<int> n_started = 0;
  for (int round = 0; round < 100 && pool->wait_ns() == 0; ++round) {
    n_started = 0;
    pool->parallel_for(2, 1 << 20, [&](int64_t, int64_t, int thread) {
      ++n_started;
      while (n_started < 2) std::this_thread::yield();
      if (thread != 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    });
    EXPECT_EQ(pool->n_regions(), round + 1);
  }
  EXPECT_GT(pool->wait_ns(), 0);
}

/// The caller waits in the first part it takes until another thread has taken one.
TEST(ThreadPool, OtherThreadsHelpAndAreNamed) {
  const auto pool = ThreadPool::start(2).value();
  std::atomic<bool> helped = false;
  std::set<std::string> names;
  pool->parallel_for(2, kHeavy, [&](int64_t, int64_t, int thread) {
    if (thread == 0) {
      while (!helped) std::this_thread::yield();
      return;
    }
    char name[16] = {};
    pthread_getname_np(pthread_self(), name, sizeof name);
    names.insert(name);
    helped = true;
  });
  EXPECT_EQ(names, std::set<std::string>{"cpu-1"});
}

/// How many CPUs the calling thread may use.
int n_usable_cpus() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

TEST(ThreadPool, PinnedWorkersHaveOneCpuAndTheCallerAllOfThem) {
  const int n_cpus = n_usable_cpus();
  if (n_cpus < 2) GTEST_SKIP() << "one CPU";
  const auto pool = ThreadPool::start(2, true);
  ASSERT_TRUE(pool.ok());
  std::atomic<int> of_worker = 0;
  while (of_worker == 0) {  // until the worker gets a part
    (*pool)->parallel_for(8, kHeavy, [&](int64_t, int64_t, int thread) {
      if (thread == 1) of_worker = n_usable_cpus();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  }
  EXPECT_EQ(of_worker, 1);
  EXPECT_EQ(n_usable_cpus(), n_cpus);
  const auto too_many = ThreadPool::start(n_cpus + 1, true);
  EXPECT_THAT(too_many.status().message(), testing::HasSubstr("--pin-threads"));
}

}  // namespace
}  // namespace drawbridge
