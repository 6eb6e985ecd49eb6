// The scheduler alone, without a model: single decisions, then random traffic on a make-believe cache, whose slots hold
// a hash of the tokens up to theirs, with every page accounted for after every step.
#include "sched/scheduler.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/rng.h"

namespace drawbridge {
namespace {

using Tokens = std::vector<int32_t>;

/// n tokens that no other `kind` has.
Tokens text(int32_t kind, int64_t n) {
  Tokens tokens;
  for (int64_t i = 0; i < n; ++i) tokens.push_back(static_cast<int32_t>(1000 * kind + i));
  return tokens;
}

void add(Scheduler& s, RequestId id, const Tokens& prompt, int64_t n_max) {
  ASSERT_TRUE(s.add(id, {.prompt = prompt, .n_max = n_max}).ok());
}

/// One step, in which every request that samples draws `token`.
Plan step(Scheduler& s, int32_t token = 7) {
  Plan plan = s.next();
  const auto n = std::count_if(plan.grants.begin(), plan.grants.end(), [](const Grant& g) { return g.samples; });
  s.commit(plan, Tokens(static_cast<size_t>(n), token));
  const Status integrity = s.check_integrity();
  EXPECT_TRUE(integrity.ok()) << integrity.message();
  return plan;
}

using Grants = std::vector<Grant>;

TEST(Scheduler, RunningAnswersGoBeforeLongPrompts) {
  Scheduler s({.n_pages = 64, .page_size = 4, .max_running = 4, .max_step_tokens = 8});
  add(s, 1, text(1, 3), 10);
  EXPECT_EQ(step(s).grants, (Grants{{1, 0, 3, 1, true}}));
  add(s, 2, text(2, 20), 30);
  EXPECT_EQ(step(s).grants, (Grants{{1, 3, 1, 1, true}, {2, 0, 7, 0, false}}));
  EXPECT_EQ(step(s).grants, (Grants{{1, 4, 1, 1, true}, {2, 7, 7, 0, false}}));
}

TEST(Scheduler, RefusesWhatCouldNeverFit) {
  Scheduler s({.n_pages = 2, .page_size = 4});
  const Status status = s.add(1, {.prompt = text(1, 4), .n_max = 9});
  EXPECT_EQ(status.code(), Code::kOutOfRange);
  EXPECT_NE(status.message().find("9 tokens, the cache holds 8"), std::string::npos);
  add(s, 2, text(1, 4), 8);
}

TEST(Scheduler, APromptThatIsKeptWholeStartsAlthoughEveryPageIsKept) {
  Scheduler s({.n_pages = 3, .page_size = 4, .kept_share = 1});
  for (const auto& [id, n] : {std::pair<RequestId, int64_t>{1, 8}, {2, 4}}) {
    add(s, id, text(static_cast<int32_t>(id), n), n + 1);
    step(s);
    s.remove(id);
  }
  ASSERT_EQ(s.tree().n_only_kept(), 3);
  add(s, 3, text(1, 8), 9);
  EXPECT_EQ(step(s).grants, (Grants{{3, 7, 1, 1, true}}));
}

TEST(Scheduler, TheNewestGivesUpItsPagesAndStartsAgain) {
  Scheduler s({.n_pages = 2, .page_size = 2, .max_running = 2, .max_step_tokens = 8});
  add(s, 1, text(1, 2), 4);
  add(s, 2, text(2, 2), 4);
  step(s);
  const Plan plan = step(s);
  EXPECT_EQ(plan.preempted, std::vector<RequestId>{2});
  EXPECT_EQ(plan.grants, (Grants{{1, 2, 1, 1, true}}));
  s.remove(1);
  // All of 2's known tokens, its generated one included, are computed again: 1 needed the page that 2 left.
  EXPECT_EQ(step(s).grants, (Grants{{2, 0, 3, 1, true}}));
}

TEST(Scheduler, APreemptedRequestGoesOnFromWhatIsStillCached) {
  Scheduler s({.n_pages = 4, .page_size = 2, .max_running = 2, .max_step_tokens = 8});
  add(s, 1, text(1, 2), 6);
  add(s, 2, text(2, 4), 6);
  step(s);
  EXPECT_EQ(step(s).preempted, std::vector<RequestId>{2}) << "both want a page more, one is free";
  s.remove(1);
  const Plan plan = step(s);
  EXPECT_EQ(plan.started, (std::vector<Start>{{2, 4}}));
  EXPECT_EQ(plan.grants, (Grants{{2, 4, 1, 1, true}}));
}

TEST(Scheduler, BeginsWithWholeCachedPagesAndACopyOfAPart) {
  Scheduler s({.n_pages = 8, .page_size = 4, .max_step_tokens = 16});
  add(s, 1, text(1, 10), 11);
  step(s);
  const Tokens pages(s.pages(1).begin(), s.pages(1).end());
  s.remove(1);
  EXPECT_EQ(s.n_available(), 8);
  Tokens prompt = text(1, 6);
  prompt.push_back(-1);
  add(s, 2, prompt, 8);
  const Plan plan = step(s);
  EXPECT_EQ(plan.started, (std::vector<Start>{{2, 6}}));
  EXPECT_EQ(plan.grants, (Grants{{2, 6, 1, 1, true}}));
  EXPECT_EQ(s.pages(2).front(), pages.front());
  EXPECT_EQ(plan.copies, (std::vector<PageCopy>{{pages[1], s.pages(2)[1], 2}}));
}

TEST(Scheduler, TheLastTokenOfACachedPromptIsComputed) {
  Scheduler s({.n_pages = 8, .page_size = 4, .max_step_tokens = 16});
  for (RequestId id = 1; id <= 2; ++id) add(s, id, text(1, 8), 9);
  EXPECT_EQ(step(s).grants, (Grants{{1, 0, 8, 1, true}, {2, 0, 8, 1, true}}));
  EXPECT_EQ(Tokens(s.pages(1).begin(), s.pages(1).end()), Tokens(s.pages(2).begin(), s.pages(2).end()))
      << "what both computed is kept once";
  add(s, 3, text(1, 8), 9);
  s.remove(1), s.remove(2);
  EXPECT_EQ(step(s).grants, (Grants{{3, 7, 1, 1, true}}));
}

TEST(Scheduler, WhatIsEvictedComesBackFromTheHostTierAndAfterARestartFromDisk) {
  const SchedulerOptions options{
      .n_pages = 2, .page_size = 4, .max_step_tokens = 16, .n_host_slots = 2, .n_disk_slots = 4};
  Scheduler s(options);
  add(s, 1, text(1, 4), 5);
  step(s);
  s.remove(1);
  ASSERT_TRUE(s.has_unwritten_pages());
  const Plan writes = step(s);
  ASSERT_EQ(writes.copies.size(), 1u);
  EXPECT_EQ(writes.copies[0].to_tier, Tier::kDisk);
  add(s, 2, text(2, 8), 8);
  const Plan evicts = step(s);
  ASSERT_EQ(evicts.copies.size(), 1u);
  EXPECT_EQ(evicts.copies[0].to_tier, Tier::kHost);
  s.remove(2);
  Scheduler restarted(options);
  restarted.restore_disk_page(writes.copies[0].name, 3);
  Tokens prompt = text(1, 4);
  prompt.push_back(-1);
  add(s, 3, prompt, 6), add(restarted, 3, prompt, 6);
  EXPECT_EQ(step(s).started, (std::vector<Start>{{3, 4, 4, 0}}));
  Plan plan = restarted.next();
  EXPECT_EQ(plan.started, (std::vector<Start>{{3, 4, 0, 4}}));
  restarted.retract(plan.copies.back(), plan);
  EXPECT_TRUE(plan.grants.empty());
  restarted.commit(plan, {});
  EXPECT_EQ(step(restarted).started, (std::vector<Start>{{3, 0}})) << "the record was torn: a miss";
}

TEST(Scheduler, DomainsShareNothingNorDoesASwitchedOffCache) {
  for (const bool prefix_cache : {true, false}) {
    Scheduler s({.n_pages = 8, .page_size = 4, .max_step_tokens = 16, .prefix_cache = prefix_cache});
    add(s, 1, text(1, 8), 9);
    step(s);
    s.remove(1);
    EXPECT_EQ(s.pool().n_free(), prefix_cache ? 6 : 8);
    ASSERT_TRUE(s.add(2, {.prompt = text(1, 8), .n_max = 9, .domain = prefix_cache ? 5u : 0u}).ok());
    EXPECT_EQ(step(s).started, (std::vector<Start>{{2, 0}}));
  }
}

TEST(Scheduler, PromptLogitsTakeSpareRowsAndNoCachedTokens) {
  Scheduler s({.n_pages = 16, .page_size = 4, .max_step_tokens = 16, .spare_logit_rows = 4});
  add(s, 1, text(1, 8), 10);
  step(s);
  ASSERT_TRUE(s.add(2, {.prompt = text(1, 8), .n_max = 10, .prompt_logits = true}).ok());
  add(s, 3, text(1, 8), 10);
  EXPECT_EQ(step(s).grants, (Grants{{1, 8, 1, 1, true}, {3, 7, 1, 1, true}, {2, 0, 5, 5, false}}));
  const Plan plan = step(s);
  EXPECT_EQ(plan.grants.back(), (Grant{2, 5, 3, 3, true}));
}

/// The bytes of a cache, as far as a plan can tell: each slot holds a hash of the domain and the tokens up to its own.
class Contents {
 public:
  explicit Contents(const SchedulerOptions& o) : page_size_(o.page_size) {
    for (const int64_t n_pages : {o.n_pages, o.n_host_slots, o.n_disk_slots}) {
      tiers_.emplace_back(static_cast<size_t>(n_pages * o.page_size));
    }
  }

  void copy(const PageCopy& c) {
    for (int64_t i = 0; i < c.n_tokens; ++i) slot(c.to, i, c.to_tier) = slot(c.from, i, c.from_tier);
  }

  /// Computes the plan's tokens; false if one would read a slot that holds another's.
  bool run(const Plan& plan, const Scheduler& s, const std::map<RequestId, uint64_t>& domains) {
    for (const Grant& g : plan.grants)
      visit(g, s, domains.at(g.id), g.from, [](auto& have, auto want) { have = want; });
    bool is_right = true;
    for (const Grant& g : plan.grants) {
      visit(g, s, domains.at(g.id), 0, [&](const auto& have, auto want) { is_right = is_right && have == want; });
    }
    return is_right;
  }

 private:
  uint64_t& slot(int32_t page, int64_t i, Tier tier = Tier::kDevice) {
    return tiers_[static_cast<size_t>(tier)].at(static_cast<size_t>(page * page_size_ + i));
  }

  template <typename F>
  void visit(const Grant& g, const Scheduler& s, uint64_t hash, int64_t from, F f) {
    for (int64_t pos = 0; pos < g.from + g.n_tokens; ++pos) {
      hash = mix64(hash * 31 + static_cast<uint64_t>(s.tokens(g.id)[static_cast<size_t>(pos)]) + 1);
      if (pos >= from) f(slot(s.pages(g.id)[static_cast<size_t>(pos / page_size_)], pos % page_size_), hash);
    }
  }

  int64_t page_size_;
  std::vector<std::vector<uint64_t>> tiers_;
};

/// Arrivals with shared prefixes, ends and cancels in a pool too small for all, on two schedulers that must agree.
class Traffic {
 public:
  Traffic(uint32_t seed, const SchedulerOptions& options)
      : options_(options), random_(seed), s_(options), twin_(options), contents_(options) {}

  void arrive() {
    // Two letters, so that prompts and answers of different requests often begin alike.
    Tokens prompt(1 + random_() % 20);
    for (int32_t& token : prompt) token = random_() % 8 == 0 ? 2 : 1;
    const auto n_new = static_cast<int64_t>(1 + random_() % 16);
    const SchedulerRequest request{prompt, static_cast<int64_t>(prompt.size()) + n_new, random_() % 2,
                                   random_() % 8 == 0};
    ASSERT_TRUE(s_.add(next_id_, request).ok() && twin_.add(next_id_, request).ok());
    domains_[next_id_] = request.domain;
    n_unscored_[next_id_] = request.prompt_logits ? request.prompt.size() : 1;
    missing_[next_id_++] = n_new;
  }

  void cancel() {
    if (!missing_.empty()) remove(missing_.begin()->first);
  }

  void step() {
    Plan plan = s_.next(), same = twin_.next();
    ASSERT_EQ(plan, same);
    ASSERT_TRUE(missing_.empty() || !plan.grants.empty()) << "nothing progresses";
    std::vector<PageCopy> lost;
    for (const PageCopy& copy : plan.copies) {
      if (copy.from_tier == Tier::kDisk && random_() % 8 == 0) {
        lost.push_back(copy);
      } else {
        contents_.copy(copy);
      }
    }
    for (const PageCopy& copy : lost) s_.retract(copy, plan), twin_.retract(copy, same);
    ASSERT_EQ(plan, same);
    n_lost_ += lost.size();
    ASSERT_TRUE(contents_.run(plan, s_, domains_)) << "a token reads what was computed for another text";
    for (const Start& start : plan.started) {
      n_cached_ += start.n_cached;
      n_slower_ += start.n_from_host + start.n_from_disk;
    }
    n_preempted_ += plan.preempted.size();
    int64_t n_tokens = 0, n_logits = 0;
    std::set<RequestId> granted;
    Tokens sampled;
    for (const Grant& g : plan.grants) {
      n_tokens += g.n_tokens;
      n_logits += g.n_logits;
      n_unscored_[g.id] -= static_cast<size_t>(g.n_logits) - (g.samples ? 1 : 0);
      ASSERT_TRUE(granted.insert(g.id).second);
      if (g.samples) sampled.push_back(random_() % 8 == 0 ? 2 : 1);
    }
    ASSERT_LE(n_tokens, options_.max_step_tokens);
    ASSERT_LE(n_logits, options_.max_running + options_.spare_logit_rows);
    s_.commit(plan, sampled), twin_.commit(plan, sampled);
    for (const Grant& g : plan.grants) {
      if (!g.samples || --missing_[g.id] > 0) continue;
      EXPECT_EQ(n_unscored_[g.id], 1u) << "every row of prompt logits once";
      remove(g.id);
    }
    const Status integrity = s_.check_integrity();
    ASSERT_TRUE(integrity.ok()) << integrity.message();
  }

  bool chance(uint32_t one_in) { return random_() % one_in == 0; }
  bool is_idle() const { return missing_.empty(); }
  const Scheduler& scheduler() const { return s_; }
  int64_t n_cached() const { return n_cached_; }
  size_t n_preempted() const { return n_preempted_; }

  int64_t n_slower() const { return n_slower_; }
  size_t n_lost() const { return n_lost_; }

 private:
  void remove(RequestId id) { s_.remove(id), twin_.remove(id), missing_.erase(id); }

  SchedulerOptions options_;
  std::mt19937 random_;
  Scheduler s_, twin_;
  Contents contents_;
  std::map<RequestId, int64_t> missing_;  // tokens still to generate
  std::map<RequestId, uint64_t> domains_;
  std::map<RequestId, size_t> n_unscored_;
  RequestId next_id_ = 1;
  int64_t n_cached_ = 0, n_slower_ = 0;
  size_t n_preempted_ = 0, n_lost_ = 0;
};

TEST(Scheduler, RandomTrafficReadsWhatItComputedAndLosesNoPage) {
  int64_t n_cached = 0, n_evicted = 0, n_slower = 0;
  size_t n_preempted = 0, n_lost = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    SchedulerOptions options{
        .n_pages = 12, .page_size = 3, .max_running = 5, .max_step_tokens = 7, .spare_logit_rows = 2};
    if (seed % 3 > 0) options.n_host_slots = seed % 7;
    if (seed % 3 > 1) options.n_disk_slots = seed % 50;
    Traffic traffic(seed, options);
    for (int step = 0; step < 4000 && (step < 60 || !traffic.is_idle()); ++step) {
      if (step < 60 && traffic.chance(3)) traffic.arrive();
      if (traffic.chance(40)) traffic.cancel();
      traffic.step();
      if (HasFatalFailure()) return;
    }
    EXPECT_TRUE(traffic.is_idle());
    EXPECT_EQ(traffic.scheduler().n_available(), options.n_pages);
    n_cached += traffic.n_cached();
    n_slower += traffic.n_slower();
    n_preempted += traffic.n_preempted();
    n_lost += traffic.n_lost();
    n_evicted += traffic.scheduler().tree().n_evicted();
  }
  EXPECT_GT(n_cached, 10000);
  EXPECT_GT(n_slower, 1000);
  EXPECT_GT(n_evicted, 1000);
  EXPECT_GT(n_preempted, 100u);
  EXPECT_GT(n_lost, 100u);
}

}  // namespace
}  // namespace drawbridge
