// RadixTree: which token prefixes are cached in which pages. A node is one page: the tokens that it holds, behind those
// of its parents. Only a leaf may hold less than a page. Each cache domain has a root of its own: what one domain
// cached, no other finds.
//
// Pages are integers taken from a PagePool; those in the tree are the tree's until evict() gives them back.
// Pure: the order of eviction is by a counter of releases, not by a clock. Threads: one.
// Invariants: a node's pins are those of its children and its own; only leaves without pins are evicted, the longest
// unused first; a root lives while it has children or pins.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace drawbridge {

class RadixTree {
 public:
  class Node;

  /// `names_pages`: whole pages get page_key() names, by which slower tiers find them again.
  RadixTree(int64_t n_pages, int64_t page_size, bool names_pages = false);
  ~RadixTree();

  /// The longest cached prefix: whole pages down to `node`, and the first tokens of one page more.
  struct Match {
    Node* node = nullptr;        // of the last whole page, or the domain's root
    std::vector<int32_t> pages;  // the whole ones
    int32_t partial_page = -1;   // -1: none
    int64_t n_partial = 0;       // tokens of it that match
  };
  /// The match's node must be pinned before any other call.
  Match match(uint64_t domain, std::span<const int32_t> tokens);

  /// Puts `tokens`, at most a page of them, behind the pinned `parent`, which holds a whole page or is a root.
  /// Null: a longer partial page holds them already, and `page` stays the caller's; so it does when the returned node's
  /// page is another one.
  Node* insert(Node* parent, std::span<const int32_t> tokens, int32_t page);

  /// Keeps a node and its parents from being evicted, until as many unpin().
  void pin(Node* node);
  void unpin(Node* node);
  /// As pin(child) and unpin() of its parent.
  void move_pin_to(Node* child);
  /// A pin for uses to come, which is no use itself: let_go() leaves the order of eviction as it was.
  void keep(Node* node);
  void let_go(Node* node);

  /// Takes the page of the longest unused leaf out of the tree. Nothing: every page is pinned.
  struct NamedPage {
    int32_t page = 0;
    std::string name;  // empty where pages have none, and for a part of a page
  };
  std::optional<NamedPage> evict();

  static int32_t page_of(const Node* node);
  /// Of a root: what page_key() takes as the parent of a first page.
  static const std::string& name_of(const Node* node);

  int64_t n_cached() const { return n_cached_; }
  int64_t n_pinned() const { return n_pinned_; }
  int64_t n_only_kept() const { return n_only_kept_; }  // of the pinned
  int64_t n_evicted() const { return n_evicted_; }
  /// Every page of the tree, ascending.
  std::vector<int32_t> pages() const;
  /// Checks links, pins, sums and the order of eviction; `pinned` holds a node for each pin that its owners know of.
  Status check_integrity(std::span<Node* const> pinned) const;

 private:
  void add_leaf(Node* node);
  void change_pins(Node* node, int64_t pins, int64_t keeps);
  void drop_if_idle(Node* root);
  Status check_node(const Node& node, int64_t own_pins) const;

  int64_t page_size_;
  bool names_pages_;
  std::map<uint64_t, std::unique_ptr<Node>> roots_;
  std::vector<std::unique_ptr<Node>> nodes_;  // [n_pages] by page: flat, so that no destructor recurses down a prompt
  std::map<uint64_t, Node*> leaves_;          // without pins, by last use, which no two leaves share
  uint64_t now_ = 0;                          // counts releases and insertions
  int64_t n_cached_ = 0;
  int64_t n_pinned_ = 0;
  int64_t n_only_kept_ = 0;
  int64_t n_evicted_ = 0;
};

}  // namespace drawbridge
