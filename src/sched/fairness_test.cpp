// What the scheduler owes to each: short prompts beside long ones, tenants beside a flood, conversations beside
// strangers, and whoever waits.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "sched/scheduler.h"

namespace drawbridge {
namespace {

using Tokens = std::vector<int32_t>;

Tokens text(int32_t speaker, int64_t n) {
  Tokens tokens(static_cast<size_t>(n));
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = speaker * 100000 + static_cast<int32_t>(i);
  return tokens;
}

/// Requests that end after one sampled token, and the tokens computed until each did.
struct Server {
  explicit Server(const SchedulerOptions& options) : scheduler(options) {}

  void add(RequestId id, const Tokens& prompt, const RequestClass& request_class = {}) {
    SchedulerRequest request{.prompt = prompt, .n_max = static_cast<int64_t>(prompt.size()) + 1};
    request.request_class = request_class;
    ASSERT_TRUE(scheduler.add(id, request).ok());
  }
  void step() {
    const Plan plan = scheduler.next();
    Tokens sampled;
    std::vector<RequestId> ended;
    for (const Start& start : plan.started) n_cached[start.id] = start.n_cached;
    for (const Grant& grant : plan.grants) {
      n_computed += grant.n_tokens;
      if (!grant.samples) continue;
      sampled.push_back(7);
      ended.push_back(grant.id);
    }
    scheduler.commit(plan, sampled);
    for (const RequestId id : ended) {
      scheduler.remove(id);
      end[id] = n_computed;
    }
    const Status integrity = scheduler.check_integrity();
    ASSERT_TRUE(integrity.ok()) << integrity.message();
  }
  void run_until_ended(RequestId id) {
    for (int i = 0; i < 100000 && !end.contains(id); ++i) step();
    ASSERT_TRUE(end.contains(id));
  }

  Scheduler scheduler;
  int64_t n_computed = 0;
  std::map<RequestId, int64_t> end, n_cached;
};

TEST(Fairness, AShortPromptDoesNotWaitForALongOne) {
  Server server({.n_pages = 10000, .page_size = 16, .max_step_tokens = 512});
  server.add(1, text(1, 126000));
  for (int i = 0; i < 10; ++i) server.step();
  server.add(2, text(2, 1000));
  const int64_t before = server.n_computed;
  server.run_until_ended(2);
  EXPECT_LE(server.end[2] - before, 2 * 1000 + 512);  // half of each step is its own
  EXPECT_FALSE(server.end.contains(1));
}

TEST(Fairness, ALongPromptKeepsHalfOfTheStepsHoweverManyShortOnesCome) {
  Server server({.n_pages = 10000, .page_size = 16, .max_step_tokens = 512});
  server.add(1, text(1, 51200));
  RequestId next = 2;
  while (!server.end.contains(1)) {
    while (server.scheduler.n_waiting() + server.scheduler.n_running() < 12) {
      server.add(next, text(static_cast<int32_t>(next), 300)), ++next;
    }
    server.step();
  }
  EXPECT_LE(server.end[1], 2 * 51200 + 512 * 2);
}

TEST(Fairness, AFloodOfLongPromptsLeavesACalmTenantHalf) {
  Server server({.n_pages = 400, .page_size = 16, .max_running = 4, .max_step_tokens = 256});
  RequestId id = 1;
  for (; id <= 60; ++id) server.add(id, text(static_cast<int32_t>(id), 1500), {"flood", 0});
  for (int i = 0; i < 20; ++i) server.step();
  const int64_t before = server.n_computed;
  for (; id <= 70; ++id) server.add(id, text(static_cast<int32_t>(id), 200), {"calm", 0});
  server.run_until_ended(70);
  // Its 2,000 tokens, as many of the flood's, and those that the flood had running.
  EXPECT_LE(server.end[70] - before, 2 * 2000 + 4 * 1500 + 2 * 256);
}

/// One server with conversations and strangers, whose prompts are twice the cache between two turns.
double cached_share(double kept_share) {
  Server server({.n_pages = 200, .page_size = 16, .max_step_tokens = 512, .kept_share = kept_share});
  RequestId id = 1;
  int64_t n_prompt = 0, n_cached = 0;
  for (int64_t turn = 1; turn <= 12; ++turn) {
    for (int32_t speaker = 1; speaker <= 4; ++speaker, ++id) {
      server.add(id, text(speaker, turn * 32));
      server.run_until_ended(id);
      n_prompt += turn * 32;
      n_cached += server.n_cached[id];
    }
    for (int i = 0; i < 20; ++i, ++id) {
      server.add(id, text(static_cast<int32_t>(1000 + id), 320));
      server.run_until_ended(id);
    }
  }
  return static_cast<double>(n_cached) / static_cast<double>(n_prompt);
}

TEST(Fairness, StrangersDoNotPushConversationsOutOfTheCache) {
  EXPECT_LT(cached_share(0), 0.05);  // plain LRU
  EXPECT_GT(cached_share(0.5), 0.7);
}

/// Random priorities, tenants and conversations in a pool that is too small: nobody is passed beyond the bound for
/// long, and everything ends.
TEST(Fairness, WhoeverWaitsIsServedWithinTheBound) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    constexpr int64_t kBound = 10;
    Server server({.n_pages = 40, .page_size = 4, .max_running = 4, .max_step_tokens = 32, .max_passed = kBound});
    RequestId id = 1;
    for (int i = 0; i < 300; ++i) {
      if (random() % 2 == 0) {
        const auto speaker = static_cast<int32_t>(random() % 8);
        server.add(id++, text(speaker, static_cast<int64_t>(1 + random() % 100)),
                   {speaker % 2 == 0 ? "even" : "odd", static_cast<int32_t>(random() % 3)});
      }
      server.step();
    }
    for (int i = 0; i < 20000 && server.end.size() + 1 < id; ++i) server.step();
    ASSERT_EQ(server.end.size() + 1, id) << "somebody waits for ever";
    EXPECT_EQ(server.scheduler.n_available(), 40);
  }
}

}  // namespace
}  // namespace drawbridge
