// The scheduler alone, without a model: single decisions, then random traffic with the page count checked every step.
#include "sched/scheduler.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace drawbridge {
namespace {

TEST(Scheduler, RunningAnswersGoBeforeLongPrompts) {
  Scheduler s({.n_pages = 64, .page_size = 4, .max_running = 4, .max_step_tokens = 8});
  ASSERT_TRUE(s.add(1, 3, 10).ok());
  Plan plan = s.next();
  EXPECT_EQ(plan.grants, (std::vector<Grant>{{1, 0, 3, true}}));
  s.commit(plan);
  ASSERT_TRUE(s.add(2, 20, 30).ok());
  plan = s.next();
  EXPECT_EQ(plan.grants, (std::vector<Grant>{{1, 3, 1, true}, {2, 0, 7, false}}));
  s.commit(plan);
  plan = s.next();
  EXPECT_EQ(plan.grants, (std::vector<Grant>{{1, 4, 1, true}, {2, 7, 7, false}}));
}

TEST(Scheduler, RefusesWhatCouldNeverFit) {
  Scheduler s({.n_pages = 2, .page_size = 4});
  const Status status = s.add(1, 4, 9);
  EXPECT_EQ(status.code(), Code::kOutOfRange);
  EXPECT_NE(status.message().find("9 tokens, the cache holds 8"), std::string::npos);
  EXPECT_TRUE(s.add(2, 4, 8).ok());
}

TEST(Scheduler, TheNewestGivesUpItsPagesAndStartsAgain) {
  Scheduler s({.n_pages = 2, .page_size = 2, .max_running = 2, .max_step_tokens = 8});
  ASSERT_TRUE(s.add(1, 2, 4).ok());
  ASSERT_TRUE(s.add(2, 2, 4).ok());
  s.commit(s.next());
  const Plan plan = s.next();
  EXPECT_EQ(plan.preempted, std::vector<RequestId>{2});
  EXPECT_EQ(plan.grants, (std::vector<Grant>{{1, 2, 1, true}}));
  s.commit(plan);
  s.remove(1);
  // All of 2's known tokens, its generated one included, are computed again.
  EXPECT_EQ(s.next().grants, (std::vector<Grant>{{2, 0, 3, true}}));
}

/// Random arrivals, ends and cancels in a pool too small for all: nobody starves, no page is lost, plans repeat.
TEST(Scheduler, RandomTrafficConservesPagesAndFinishesEverything) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const SchedulerOptions options{.n_pages = 12, .page_size = 3, .max_running = 5, .max_step_tokens = 7};
    Scheduler s(options), twin(options);
    std::map<RequestId, int64_t> missing;  // tokens still to generate
    RequestId next_id = 1;
    for (int step = 0; step < 4000 && (step < 60 || !missing.empty()); ++step) {
      if (step < 60 && random() % 3 == 0) {
        const auto n_prompt = static_cast<int64_t>(1 + random() % 20), n_new = static_cast<int64_t>(1 + random() % 16);
        ASSERT_TRUE(s.add(next_id, n_prompt, n_prompt + n_new).ok() &&
                    twin.add(next_id, n_prompt, n_prompt + n_new).ok());
        missing[next_id++] = n_new;
      }
      if (!missing.empty() && random() % 40 == 0) {
        const RequestId id = missing.begin()->first;
        s.remove(id), twin.remove(id), missing.erase(id);
      }
      const Plan plan = s.next();
      ASSERT_EQ(plan, twin.next());
      ASSERT_TRUE(missing.empty() || !plan.grants.empty()) << "seed " << seed << ": nothing progresses";
      int64_t n_tokens = 0;
      std::set<RequestId> granted;
      for (const Grant& g : plan.grants) {
        n_tokens += g.n_tokens;
        ASSERT_TRUE(granted.insert(g.id).second);
      }
      ASSERT_LE(n_tokens, options.max_step_tokens);
      s.commit(plan), twin.commit(plan);
      for (const Grant& g : plan.grants) {
        if (g.wants_logits && --missing[g.id] == 0) s.remove(g.id), twin.remove(g.id), missing.erase(g.id);
      }
      const Status integrity = s.check_integrity();
      ASSERT_TRUE(integrity.ok()) << "seed " << seed << ": " << integrity.message();
    }
    EXPECT_TRUE(missing.empty());
    EXPECT_EQ(s.pool().n_free(), options.n_pages);
  }
}

}  // namespace
}  // namespace drawbridge
