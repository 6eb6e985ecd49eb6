#include "kv/radix_tree.h"

#include <algorithm>

#include "kv/tier_index.h"

namespace drawbridge {
namespace {

using Tokens = std::span<const int32_t>;

/// In this order the entries beside a prefix's place have the longest part in common with it.
struct TokensLess {
  using is_transparent = void;
  bool operator()(Tokens a, Tokens b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  }
};

int64_t n_common(Tokens a, Tokens b) {
  const size_t most = std::min(a.size(), b.size());
  return std::mismatch(a.begin(), a.begin() + static_cast<int64_t>(most), b.begin()).first - a.begin();
}

}  // namespace

class RadixTree::Node {
 public:
  Node* parent = nullptr;  // null: a root
  uint64_t domain = 0;
  const std::vector<int32_t>* tokens = nullptr;  // the parent's key
  int32_t page = -1;                             // -1: a root
  std::string name;
  int64_t n_pins = 0;
  int64_t n_keeps = 0;  // of the pins
  uint64_t last_use = 0;
  std::map<std::vector<int32_t>, Node*, TokensLess> children;

  bool is_only_kept() const { return n_keeps > 0 && n_keeps == n_pins; }
  bool is_free_leaf() const { return parent != nullptr && n_pins == 0 && children.empty(); }
};

RadixTree::RadixTree(int64_t n_pages, int64_t page_size, bool names_pages)
    : page_size_(page_size), names_pages_(names_pages), nodes_(static_cast<size_t>(n_pages)) {
  DB_CHECK(page_size > 0);
}

RadixTree::~RadixTree() = default;

int32_t RadixTree::page_of(const Node* node) {
  return node->page;
}

const std::string& RadixTree::name_of(const Node* node) {
  return node->name;
}

RadixTree::Match RadixTree::match(uint64_t domain, Tokens tokens) {
  std::unique_ptr<Node>& root = roots_[domain];
  if (!root) {
    root = std::make_unique<Node>();
    root->domain = domain;
    if (names_pages_) root->name = first_page_parent(domain);
  }
  Match match;
  match.node = root.get();
  const auto whole = static_cast<size_t>(page_size_);
  while (tokens.size() >= whole) {
    const auto child = match.node->children.find(tokens.first(whole));
    if (child == match.node->children.end()) break;
    match.node = child->second;
    match.pages.push_back(match.node->page);
    tokens = tokens.subspan(whole);
  }
  const auto consider = [&](const auto& entry) {
    const int64_t n = n_common(entry.first, tokens);
    if (n <= match.n_partial) return;
    match.n_partial = n;
    match.partial_page = entry.second->page;
  };
  const auto& children = match.node->children;
  const auto next = children.lower_bound(tokens);
  if (next != children.end()) consider(*next);
  if (next != children.begin()) consider(*std::prev(next));
  return match;
}

void RadixTree::add_leaf(Node* node) {
  DB_CHECK(leaves_.emplace(node->last_use, node).second);
}

RadixTree::Node* RadixTree::insert(Node* parent, Tokens tokens, int32_t page) {
  DB_CHECK(!tokens.empty() && static_cast<int64_t>(tokens.size()) <= page_size_ && parent->n_pins > 0);
  DB_CHECK(parent->parent == nullptr || static_cast<int64_t>(parent->tokens->size()) == page_size_);
  const auto next = parent->children.lower_bound(tokens);
  if (next != parent->children.end() && n_common(next->first, tokens) == static_cast<int64_t>(tokens.size())) {
    return next->first.size() == tokens.size() ? next->second : nullptr;
  }
  std::unique_ptr<Node>& node = nodes_.at(static_cast<size_t>(page));
  DB_CHECK(!node);
  node = std::make_unique<Node>();
  const auto place = parent->children.emplace_hint(next, std::vector(tokens.begin(), tokens.end()), node.get());
  node->parent = parent;
  node->domain = parent->domain;
  node->tokens = &place->first;
  node->page = page;
  if (names_pages_ && static_cast<int64_t>(tokens.size()) == page_size_) node->name = page_key(parent->name, tokens);
  node->last_use = ++now_;
  ++n_cached_;
  add_leaf(node.get());
  return node.get();
}

/// The pins of one node, and the sums over all.
void RadixTree::change_pins(Node* node, int64_t pins, int64_t keeps) {
  if (node->is_free_leaf() && pins > 0) leaves_.erase(node->last_use);
  const auto count = [&](int64_t sign) {
    if (node->parent == nullptr) return;
    n_pinned_ += node->n_pins > 0 ? sign : 0;
    n_only_kept_ += node->is_only_kept() ? sign : 0;
  };
  count(-1);
  node->n_pins += pins;
  node->n_keeps += keeps;
  DB_CHECK(node->n_keeps >= 0 && node->n_pins >= node->n_keeps);
  count(1);
}

void RadixTree::pin(Node* node) {
  for (; node != nullptr; node = node->parent) change_pins(node, 1, 0);
}

void RadixTree::keep(Node* node) {
  for (; node != nullptr; node = node->parent) change_pins(node, 1, 1);
}

void RadixTree::unpin(Node* node) {
  ++now_;
  for (; node->parent != nullptr; node = node->parent) {
    change_pins(node, -1, 0);
    node->last_use = now_;
    if (node->is_free_leaf()) add_leaf(node);
  }
  change_pins(node, -1, 0);
  drop_if_idle(node);
}

void RadixTree::let_go(Node* node) {
  for (; node->parent != nullptr; node = node->parent) {
    change_pins(node, -1, -1);
    if (node->is_free_leaf()) add_leaf(node);
  }
  change_pins(node, -1, -1);
  drop_if_idle(node);
}

void RadixTree::move_pin_to(Node* child) {
  DB_CHECK(child->parent != nullptr && child->parent->n_pins > 0);
  change_pins(child, 1, 0);
}

void RadixTree::drop_if_idle(Node* root) {
  if (root->n_pins == 0 && root->children.empty()) roots_.erase(root->domain);
}

std::optional<RadixTree::NamedPage> RadixTree::evict() {
  if (leaves_.empty()) return std::nullopt;
  Node* const node = leaves_.begin()->second;
  leaves_.erase(leaves_.begin());
  Node* const parent = node->parent;
  NamedPage evicted{node->page, std::move(node->name)};
  parent->children.erase(parent->children.find(*node->tokens));
  nodes_[static_cast<size_t>(evicted.page)].reset();
  --n_cached_;
  ++n_evicted_;
  if (parent->is_free_leaf()) add_leaf(parent);
  if (parent->parent == nullptr) drop_if_idle(parent);
  return evicted;
}

std::vector<int32_t> RadixTree::pages() const {
  std::vector<int32_t> pages;
  for (const auto& node : nodes_) {
    if (node) pages.push_back(node->page);
  }
  return pages;
}

Status RadixTree::check_node(const Node& node, int64_t own_pins) const {
  for (const auto& [tokens, child] : node.children) {
    own_pins += child->n_pins;
    if (child->parent != &node || child->tokens != &tokens || child->domain != node.domain) {
      return fail(Code::kInternal, "page {}: its links contradict page {}'s", child->page, node.page);
    }
  }
  if (own_pins != node.n_pins) {
    return fail(Code::kInternal, "page {}: {} pins, its owners and children have {}", node.page, node.n_pins, own_pins);
  }
  if (node.parent == nullptr) {
    if (node.n_pins > 0 || !node.children.empty()) return Status();
    return fail(Code::kInternal, "domain {}: its root is neither pinned nor has it children", node.domain);
  }
  const auto leaf = leaves_.find(node.last_use);
  const bool is_listed = leaf != leaves_.end() && leaf->second == &node;
  if (is_listed == node.is_free_leaf()) return Status();
  return fail(Code::kInternal, "page {}: {} among the leaves to evict", node.page, is_listed ? "wrongly" : "not");
}

Status RadixTree::check_integrity(std::span<Node* const> pinned) const {
  std::map<const Node*, int64_t> own_pins;
  for (const Node* node : pinned) ++own_pins[node];
  const auto own = [&](const Node& node) {
    const auto place = own_pins.find(&node);
    return place == own_pins.end() ? 0 : place->second;
  };
  int64_t n_cached = 0, n_pinned = 0, n_only_kept = 0, n_leaves = 0, n_linked = 0;
  for (const auto& [domain, root] : roots_) {
    n_linked += static_cast<int64_t>(root->children.size());
    DB_TRY(check_node(*root, own(*root)));
  }
  for (const auto& node : nodes_) {
    if (!node) continue;
    ++n_cached;
    n_pinned += node->n_pins > 0 ? 1 : 0;
    n_only_kept += node->is_only_kept() ? 1 : 0;
    n_leaves += node->is_free_leaf() ? 1 : 0;
    n_linked += static_cast<int64_t>(node->children.size());
    DB_TRY(check_node(*node, own(*node)));
  }
  if (n_cached == n_cached_ && n_pinned == n_pinned_ && n_only_kept == n_only_kept_ && n_linked == n_cached &&
      n_leaves == static_cast<int64_t>(leaves_.size())) {
    return Status();
  }
  return fail(Code::kInternal, "the tree counts {} pages, {} pinned, {} to evict; found {}, {}, {}, {} of them linked",
              n_cached_, n_pinned_, leaves_.size(), n_cached, n_pinned, n_leaves, n_linked);
}

}  // namespace drawbridge
