// The tree alone: single look-ups, then random operations against a plain map of prefixes.
#include "kv/radix_tree.h"

#include <gtest/gtest.h>

#include <random>

#include "kv/page_pool.h"

namespace drawbridge {
namespace {

using Tokens = std::vector<int32_t>;

TEST(RadixTree, MatchesWholePagesAndAPartOfTheNext) {
  RadixTree tree(8, 4);
  RadixTree::Node* root = tree.match(7, {}).node;
  tree.pin(root);
  RadixTree::Node* first = tree.insert(root, Tokens{1, 2, 3, 4}, 5);
  ASSERT_EQ(RadixTree::page_of(first), 5);
  tree.move_pin_to(first);
  ASSERT_NE(tree.insert(first, Tokens{5, 6, 7, 8}, 2), nullptr);
  auto match = tree.match(7, Tokens{1, 2, 3, 4, 5, 6, 9});
  EXPECT_EQ(match.pages, Tokens{5});
  EXPECT_EQ(match.partial_page, 2);
  EXPECT_EQ(match.n_partial, 2);
  match = tree.match(7, Tokens{1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(match.pages, (Tokens{5, 2}));
  EXPECT_EQ(match.n_partial, 0);
  match = tree.match(8, Tokens{1, 2, 3, 4});
  EXPECT_TRUE(match.pages.empty() && match.n_partial == 0) << "another domain's";
}

TEST(RadixTree, InsertKeepsWhatIsThere) {
  RadixTree tree(8, 4);
  RadixTree::Node* root = tree.match(0, {}).node;
  tree.pin(root);
  EXPECT_EQ(RadixTree::page_of(tree.insert(root, Tokens{1, 2, 3, 4}, 0)), 0);
  EXPECT_EQ(RadixTree::page_of(tree.insert(root, Tokens{1, 2, 3, 4}, 1)), 0);
  EXPECT_EQ(tree.insert(root, Tokens{1, 2}, 1), nullptr) << "a longer page holds them";
  EXPECT_EQ(RadixTree::page_of(tree.insert(root, Tokens{1, 9}, 1)), 1);
  EXPECT_EQ(tree.n_cached(), 2);
}

TEST(RadixTree, EvictsUnpinnedLeavesTheLongestUnusedFirst) {
  RadixTree tree(8, 1);
  const auto chain = [&](std::vector<int32_t> tokens, int32_t page) {
    RadixTree::Node* node = tree.match(0, {}).node;
    tree.pin(node);
    for (const int32_t token : tokens) {
      node = tree.insert(node, Tokens{token}, page++);
      tree.move_pin_to(node);
    }
    return node;
  };
  RadixTree::Node* a = chain({1, 2}, 0);
  RadixTree::Node* b = chain({3, 4}, 2);
  EXPECT_FALSE(tree.evict().has_value());
  tree.unpin(b);
  tree.unpin(a);
  EXPECT_EQ(tree.n_pinned(), 0);
  Tokens order;
  while (const auto evicted = tree.evict()) order.push_back(evicted->page);
  EXPECT_EQ(order, (Tokens{3, 2, 1, 0}));
  EXPECT_EQ(tree.n_evicted(), 4);
  EXPECT_TRUE(tree.check_integrity({}).ok());
}

TEST(RadixTree, IntegrityFindsAPinThatNobodyKnowsOf) {
  RadixTree tree(2, 1);
  RadixTree::Node* root = tree.match(0, {}).node;
  tree.pin(root);
  RadixTree::Node* node = tree.insert(root, Tokens{1}, 0);
  tree.move_pin_to(node);
  EXPECT_TRUE(tree.check_integrity(std::vector{node}).ok());
  EXPECT_NE(tree.check_integrity({}).message().find("page 0: 1 pins"), std::string::npos);
}

/// The model: every cached prefix of a domain, its last page's number behind it.
class Modelled {
 public:
  explicit Modelled(uint32_t seed) : random_(seed), pool_(kPages), tree_(kPages, kPageSize) {}

  void add() {
    Tokens tokens(random_() % 14);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random_() % 2);
    const uint64_t domain = random_() % 2;
    RadixTree::Match match = tree_.match(domain, tokens);
    RadixTree::Node* node = match.node;
    tree_.pin(node);
    expect_longest(domain, tokens, match);
    size_t at = match.pages.size() * kPageSize;
    while (at < tokens.size()) {
      const auto page = take();
      if (!page) break;
      const size_t n = std::min<size_t>(kPageSize, tokens.size() - at);
      RadixTree::Node* child = tree_.insert(node, std::span(tokens).subspan(at, n), *page);
      at += n;
      if (child == nullptr || RadixTree::page_of(child) != *page) {
        pool_.release(std::vector{*page});
      } else {
        cached_[{domain, Tokens(tokens.begin(), tokens.begin() + static_cast<int64_t>(at))}] = *page;
      }
      if (n < kPageSize) break;
      tree_.move_pin_to(node = child);
    }
    pinned_.push_back(node);
  }

  void release() {
    if (pinned_.empty()) return;
    std::swap(pinned_[random_() % pinned_.size()], pinned_.back());
    tree_.unpin(pinned_.back());
    pinned_.pop_back();
  }

  Status check() const {
    Tokens pages;
    for (const auto& [prefix, page] : cached_) pages.push_back(page);
    std::sort(pages.begin(), pages.end());
    EXPECT_EQ(pages, tree_.pages());
    DB_TRY(tree_.check_integrity(pinned_));
    return pool_.check_integrity(pages);
  }

  bool chance(uint32_t one_in) { return random_() % one_in == 0; }

 private:
  static constexpr int64_t kPages = 16;
  static constexpr size_t kPageSize = 3;
  using Prefix = std::pair<uint64_t, Tokens>;

  std::optional<int32_t> take() {
    if (const auto page = pool_.take()) return page;
    const auto evicted = tree_.evict();
    if (!evicted) return std::nullopt;
    std::erase_if(cached_, [&](const auto& entry) { return entry.second == evicted->page; });
    return evicted->page;
  }

  void expect_longest(uint64_t domain, const Tokens& tokens, const RadixTree::Match& match) const {
    size_t n_whole = 0, n_longest = 0;
    for (const auto& [prefix, page] : cached_) {
      if (prefix.first != domain) continue;
      const auto& other = prefix.second;
      const auto end = std::mismatch(other.begin(), other.end(), tokens.begin(), tokens.end()).first;
      const auto n = static_cast<size_t>(end - other.begin());
      n_longest = std::max(n_longest, n);
      if (n == other.size() && n % kPageSize == 0) n_whole = std::max(n_whole, n);
    }
    EXPECT_EQ(match.pages.size() * kPageSize, n_whole);
    EXPECT_EQ(n_whole + static_cast<size_t>(match.n_partial), n_longest);
  }

  std::mt19937 random_;
  PagePool pool_;
  RadixTree tree_;
  std::map<Prefix, int32_t> cached_;
  std::vector<RadixTree::Node*> pinned_;
};

TEST(RadixTree, RandomOperationsAgreeWithAMapOfPrefixes) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Modelled modelled(seed);
    for (int step = 0; step < 200; ++step) {
      if (modelled.chance(2)) {
        modelled.release();
      } else {
        modelled.add();
      }
      const Status status = modelled.check();
      ASSERT_TRUE(status.ok()) << "seed " << seed << " step " << step << ": " << status.message();
    }
  }
}

}  // namespace
}  // namespace drawbridge
