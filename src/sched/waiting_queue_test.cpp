// Who is admitted next: priority, shares of tenants, what is cheap to admit; and aging, which bounds them all.
#include "sched/waiting_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace drawbridge {
namespace {

constexpr auto kAnyone = [](RequestId, bool) { return Admission::kFits; };

TEST(WaitingQueue, PriorityThenArrival) {
  WaitingQueue queue(100);
  queue.join(1, {"", 0});
  queue.join(2, {"", 0});
  queue.join(3, {"", 5});
  EXPECT_EQ(queue.take(kAnyone), 3u);
  EXPECT_EQ(queue.take(kAnyone), 1u);
  EXPECT_EQ(queue.take(kAnyone), 2u);
  EXPECT_EQ(queue.take(kAnyone), std::nullopt);
  EXPECT_EQ(queue.n_waiting(), 0);
}

TEST(WaitingQueue, WhatIsCachedGoesFirstAmongEquals) {
  WaitingQueue queue(100);
  for (const RequestId id : {1u, 2u, 3u}) queue.join(id, {"", 0});
  queue.join(4, {"", 1});
  const auto cached = [](RequestId id, bool) { return id == 3 ? Admission::kResident : Admission::kFits; };
  EXPECT_EQ(queue.take(cached), 4u);  // not a reason to pass a higher priority
  EXPECT_EQ(queue.take(cached), 3u);
  EXPECT_EQ(queue.take(cached), 1u);
}

TEST(WaitingQueue, WhoWaitsForRoomIsPassedUntilItIsAged) {
  WaitingQueue queue(2);
  queue.join(1, {"", 0});
  for (const RequestId id : {2u, 3u, 4u}) queue.join(id, {"", 9});
  const auto big_one_waits = [](RequestId id, bool) { return id == 1 ? Admission::kWait : Admission::kResident; };
  EXPECT_EQ(queue.take(big_one_waits), 2u);
  EXPECT_EQ(queue.take(big_one_waits), 3u);
  EXPECT_EQ(queue.take(big_one_waits), std::nullopt);
  EXPECT_EQ(queue.take(kAnyone), 1u);
  EXPECT_EQ(queue.take(kAnyone), 4u);
}

TEST(WaitingQueue, ARequestPutBackKeepsItsPlace) {
  WaitingQueue queue(100);
  queue.join(1, {"", 0});
  queue.join(2, {"", 0});
  ASSERT_EQ(queue.take(kAnyone), 1u);
  queue.put_back(1);
  EXPECT_EQ(queue.take(kAnyone), 1u);
}

TEST(WaitingQueue, AFloodDelaysOnlyItsOwnTenant) {
  WaitingQueue queue(1000);
  for (RequestId id = 0; id < 100; ++id) queue.join(id, {"flood", 0});
  for (RequestId id = 100; id < 110; ++id) queue.join(id, {"calm", 0});
  int n_taken = 0, n_calm = 0;
  for (; n_calm < 10; ++n_taken) {
    const auto id = queue.take(kAnyone);
    ASSERT_TRUE(id);
    n_calm += *id >= 100 ? 1 : 0;
    queue.charge(*id, 1);
  }
  EXPECT_LE(n_taken, 20);  // the calm tenant has half of the engine while it has requests
}

TEST(WaitingQueue, SharesAreOfUseNotOfRequests) {
  WaitingQueue queue(1000);
  for (RequestId id = 0; id < 200; ++id) queue.join(id, {id % 2 == 0 ? "large" : "small", 0});
  double used[2] = {0, 0};
  for (int i = 0; i < 80; ++i) {
    const auto id = queue.take(kAnyone);
    const double cost = *id % 2 == 0 ? 10 : 1;
    used[*id % 2] += cost;
    queue.charge(*id, cost);
  }
  EXPECT_NEAR(used[0], used[1], 10);
}

TEST(WaitingQueue, IdleTimeIsNotSavedUpAndDebtIsNotForgotten) {
  WaitingQueue queue(1000);
  queue.join(1, {"worker", 0});
  queue.join(2, {"worker", 0});
  ASSERT_EQ(queue.take(kAnyone), 1u);
  queue.charge(1, 100);
  queue.join(3, {"late", 0});  // starts at 100, like the worker
  queue.charge(3, 1);
  EXPECT_EQ(queue.take(kAnyone), 2u);

  queue.charge(3, 50);
  queue.leave(3);  // owes 51, and comes back
  queue.join(4, {"late", 0});
  queue.join(5, {"worker", 0});
  EXPECT_EQ(queue.take(kAnyone), 5u);
}

TEST(WaitingQueue, ForgetsTenantsThatLeftWithoutDebt) {
  WaitingQueue queue(10);
  for (RequestId id = 0; id < 1000; ++id) {
    queue.join(id, {std::to_string(id), 0});
    ASSERT_EQ(queue.take(kAnyone), id);
    queue.charge(id, 1);
    queue.leave(id);
  }
  EXPECT_LE(queue.n_tenants(), 1);
}

/// Whatever arrives, fits or is cached: no request is passed by more than the bound of later ones, none is lost.
TEST(WaitingQueue, NobodyIsPassedMoreOftenThanTheBound) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const auto bound = static_cast<int64_t>(random() % 20);
    WaitingQueue queue(bound);
    std::map<RequestId, int64_t> n_passed;  // of those that wait
    std::set<RequestId> taken;
    RequestId next_id = 0;
    for (int step = 0; step < 500; ++step) {
      const uint32_t what = static_cast<uint32_t>(random() % 10);
      if (what < 4) {
        queue.join(next_id,
                   {std::string(1, static_cast<char>('a' + random() % 3)), static_cast<int32_t>(random() % 3)});
        n_passed[next_id++] = 0;
      } else if (what == 4 && !taken.empty()) {
        queue.put_back(*taken.begin());
        n_passed[*taken.begin()] = 0;  // counted anew here; the queue's own count only bounds it more
        taken.erase(taken.begin());
      } else if (what == 5 && !n_passed.empty()) {
        queue.leave(n_passed.begin()->first);
        n_passed.erase(n_passed.begin());
      } else {
        const auto id = queue.take([&](RequestId, bool) { return static_cast<Admission>(random() % 3); });
        if (!id) continue;
        n_passed.erase(*id);
        taken.insert(*id);
        queue.charge(*id, static_cast<double>(random() % 5));
        for (auto& [waiting, count] : n_passed) count += waiting < *id ? 1 : 0;
      }
      for (const auto& [id, count] : n_passed) ASSERT_LE(count, bound) << "seed " << seed << " request " << id;
      ASSERT_EQ(queue.n_waiting(), static_cast<int64_t>(n_passed.size()));
    }
  }
}

}  // namespace
}  // namespace drawbridge
