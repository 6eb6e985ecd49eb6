// What is kept for whom: conversations found again by their tails, chances learned from traffic, and the bounds.
#include "sched/working_set.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "kv/page_pool.h"

namespace drawbridge {
namespace {

constexpr int64_t kPageSize = 4;

/// A tree and a working set, and turns that go through both as the scheduler would have it.
struct Traffic {
  explicit Traffic(int64_t n_pages, int64_t n_keepable)
      : pool(n_pages), tree(n_pages, kPageSize), working_set(tree, {n_keepable, n_pages * kPageSize}) {}

  /// A prompt of `n` pages of one speaker; longer ones begin with the shorter.
  static std::vector<int32_t> prompt(int32_t speaker, int64_t n) {
    std::vector<int32_t> tokens(static_cast<size_t>(n * kPageSize));
    std::iota(tokens.begin(), tokens.end(), speaker * 10000);
    return tokens;
  }
  WorkingSet::Visit arrive(int32_t speaker, int64_t n) {
    return working_set.arrive(prefix_keys(0, prompt(speaker, n), kPageSize), now);
  }
  void compute(const WorkingSet::Visit& visit, int32_t speaker, int64_t n) {
    const std::vector<int32_t> tokens = prompt(speaker, n);
    RadixTree::Match match = tree.match(0, tokens);
    RadixTree::Node* node = match.node;
    tree.pin(node);
    for (auto i = static_cast<int64_t>(match.pages.size()); i < n; ++i) {
      auto page = pool.take();
      while (!page) {
        if (const auto evicted = tree.evict()) {
          page = evicted->page;
        } else {
          ASSERT_TRUE(working_set.give_up());
        }
      }
      node = tree.insert(node, std::span(tokens).subspan(static_cast<size_t>(i * kPageSize), kPageSize), *page);
      tree.move_pin_to(node);
    }
    now += (n - static_cast<int64_t>(match.pages.size())) * kPageSize;
    tree.unpin(node);
    working_set.end(visit, node, n, now);
  }
  bool turn(int32_t speaker, int64_t n) {
    const WorkingSet::Visit visit = arrive(speaker, n);
    const bool kept = working_set.is_kept(visit);
    compute(visit, speaker, n);
    return kept;
  }

  PagePool pool;
  RadixTree tree;
  WorkingSet working_set;
  int64_t now = 0;
};

TEST(PrefixKeys, DependOnAllTokensBeforeAndOnTheDomain) {
  const std::vector<int32_t> a{1, 2, 3, 4, 5}, b{2, 1, 3, 4};
  const auto keys = prefix_keys(0, a, 2);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_NE(keys[0], prefix_keys(0, b, 2)[0]);
  EXPECT_NE(keys[1], prefix_keys(0, b, 2)[1]);
  EXPECT_NE(keys[0], prefix_keys(1, a, 2)[0]);
  EXPECT_EQ(keys, prefix_keys(0, std::vector<int32_t>{1, 2, 3, 4}, 2));
}

TEST(WorkingSet, AConversationIsKnownByTheTailOfItsLastPrompt) {
  Traffic traffic(100, 50);
  EXPECT_FALSE(traffic.arrive(1, 3).from);
  traffic.turn(1, 3);
  EXPECT_FALSE(traffic.arrive(2, 3).from);
  const WorkingSet::Visit next = traffic.arrive(1, 5);
  EXPECT_TRUE(traffic.working_set.is_kept(next));
  EXPECT_EQ(next.n_turns, 2);
  traffic.compute(next, 1, 5);
  EXPECT_EQ(traffic.tree.n_only_kept(), 5);  // the old tail is forgotten with its successor's end
  EXPECT_EQ(traffic.working_set.pinned().size(), 1u);
}

TEST(WorkingSet, KeepsNoMoreThanItsPart) {
  Traffic traffic(100, 20);
  for (int32_t speaker = 0; speaker < 60; ++speaker) {
    traffic.turn(speaker, 5);
    ASSERT_LE(traffic.tree.n_only_kept(), 20);
  }
  EXPECT_EQ(traffic.working_set.pinned().size(), 4u);
}

TEST(WorkingSet, StrangersDoNotPushOutThoseWhoReturn) {
  Traffic traffic(100, 50);
  int64_t n_kept = 0;
  int32_t stranger = 1000;
  for (int64_t round = 2; round < 12; ++round) {
    for (int32_t friends = 1; friends <= 3; ++friends) n_kept += traffic.turn(friends, round) ? 1 : 0;
    for (int i = 0; i < 30; ++i) traffic.turn(stranger++, 5);  // 150 pages: the whole pool and more
  }
  EXPECT_GE(n_kept, 24);  // of 27 returns; LRU keeps none of them
}

TEST(WorkingSet, LetsGoOfThoseThatShouldHaveReturned) {
  Traffic traffic(400, 300);
  for (int64_t n = 1; n < 30; ++n) traffic.turn(1, n);  // returns at once, always
  traffic.turn(2, 8);
  EXPECT_TRUE(traffic.working_set.is_kept(traffic.arrive(1, 30)));
  traffic.now += 1000000;
  traffic.turn(3, 1);
  EXPECT_FALSE(traffic.arrive(2, 9).from);
}

TEST(WorkingSet, ExpectsWhatTheTrafficHasShown) {
  Traffic traffic(400, 300);
  traffic.turn(1, 10);
  EXPECT_DOUBLE_EQ(traffic.working_set.expected_pages(), 10 / 3.0);  // of one that ended, one half of two more
  for (int64_t n = 11; n < 40; ++n) traffic.turn(1, n);
  EXPECT_GT(traffic.working_set.expected_pages(), 0.9 * 39);
  for (int32_t speaker = 10; speaker < 30; ++speaker) traffic.turn(speaker, 1);
  EXPECT_LT(traffic.working_set.expected_pages(), 0.9 * 39 + 20 * 0.2);  // those that spoke once seldom return
}

/// Random turns, cancels before a start and branches from one tail: pins, pages and the tree agree after each.
TEST(WorkingSet, RandomTrafficKeepsPinsAndPages) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    Traffic traffic(60, 30);
    for (int step = 0; step < 400; ++step) {
      const auto speaker = static_cast<int32_t>(random() % 12);
      const auto n = static_cast<int64_t>(1 + random() % 10);
      const WorkingSet::Visit visit = traffic.arrive(speaker, n);
      if (random() % 5 == 0) {
        traffic.working_set.end(visit, nullptr, 0, traffic.now);
      } else {
        traffic.compute(visit, speaker, n);
      }
      ASSERT_EQ(traffic.tree.n_only_kept(), traffic.tree.n_pinned()) << "between requests";
      ASSERT_LE(traffic.tree.n_only_kept(), 30);
      const auto pinned = traffic.working_set.pinned();
      const Status integrity = traffic.tree.check_integrity(pinned);
      ASSERT_TRUE(integrity.ok()) << "seed " << seed << ": " << integrity.message();
    }
    while (traffic.working_set.give_up()) {
    }
    EXPECT_EQ(traffic.tree.n_pinned(), 0);
    EXPECT_EQ(traffic.tree.n_only_kept(), 0);
  }
}

}  // namespace
}  // namespace drawbridge
