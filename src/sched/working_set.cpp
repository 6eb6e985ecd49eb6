#include "sched/working_set.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxConversations = 4096;  // remembered, so that the memory of a long run is bounded
constexpr size_t kMarks = 8;                // of a conversation

/// Neighbouring tokens must not give neighbouring keys.
uint64_t mix(uint64_t key, uint64_t value) {
  return mix64(key + 0x9e3779b97f4a7c15u + value * 0xff51afd7ed558ccdu);
}

}  // namespace

std::vector<uint64_t> prefix_keys(uint64_t domain, std::span<const int32_t> tokens, int64_t page_size) {
  std::vector<uint64_t> keys;
  uint64_t key = mix(0, domain);
  const auto page = static_cast<size_t>(page_size);
  for (; tokens.size() >= page; tokens = tokens.subspan(page)) {
    for (const int32_t token : tokens.first(page)) key = mix(key, static_cast<uint64_t>(token));
    keys.push_back(key);
  }
  return keys;
}

size_t WorkingSet::turn_class(int64_t n_turns) {
  return std::min(static_cast<size_t>(n_turns), kTurnClasses) - 1;
}

/// Of returning: one half before anything is known. Who has not returned yet counts as one who does not, or a crowd of
/// strangers would seem worth keeping until each is given up.
double WorkingSet::chance(const Conversation& conversation) const {
  const size_t i = turn_class(conversation.n_turns);
  return static_cast<double>(n_returned_[i] + 1) / static_cast<double>(n_ended_[i] + 2);
}

/// By when nearly all that return have done so: twice the mean and four deviations, more than TCP waits for an answer.
int64_t WorkingSet::longest_gap() const {
  constexpr int64_t kForever = std::numeric_limits<int64_t>::max() / 2;
  constexpr int64_t kEnoughGaps = 16;
  if (n_gaps_ < kEnoughGaps) return kForever;
  return std::max(options_.least_memory, static_cast<int64_t>(2 * gap_mean_ + 4 * gap_deviation_));
}

void WorkingSet::note_gap(int64_t gap) {
  constexpr double kWeight = 1.0 / 64;
  const double weight = std::max(kWeight, 1.0 / static_cast<double>(++n_gaps_));
  const double error = static_cast<double>(gap) - gap_mean_;
  gap_mean_ += weight * error;
  gap_deviation_ += weight * (std::abs(error) - gap_deviation_);
}

WorkingSet::Visit WorkingSet::arrive(std::span<const uint64_t> keys, int64_t now) {
  Visit visit;
  visit.n_prompt_pages = static_cast<int64_t>(keys.size());
  const size_t stride = (keys.size() + 2 * kMarks - 1) / (2 * kMarks);
  for (size_t i = 0; i < kMarks && i * stride < keys.size(); ++i) {
    visit.marks.push_back(keys[keys.size() - 1 - i * stride]);
  }
  for (size_t n = keys.size(); n > 0; --n) {
    const auto mark = by_mark_.find(keys[n - 1]);
    if (mark == by_mark_.end()) continue;
    Conversation& conversation = conversations_.at(mark->second);
    visit.from = mark->second;
    visit.n_shared_pages = static_cast<int64_t>(n);
    visit.n_turns = conversation.n_turns + 1;
    ++conversation.n_visits;
    if (!conversation.has_returned) {
      conversation.has_returned = true;
      ++n_returned_[turn_class(conversation.n_turns)];
      note_gap(now - conversation.ended);
    }
    break;
  }
  return visit;
}

int64_t WorkingSet::n_kept(const Visit& visit) const {
  if (!visit.from) return 0;
  const auto place = conversations_.find(*visit.from);
  return place != conversations_.end() && place->second.node != nullptr ? visit.n_shared_pages : 0;
}

void WorkingSet::end(const Visit& visit, RadixTree::Node* node, int64_t n_pages, int64_t now) {
  if (visit.from) leave(visit, node != nullptr);
  if (node == nullptr || visit.marks.empty()) return;
  const uint64_t tail = visit.marks.front();
  Conversation& conversation = conversations_[tail];
  let_go(conversation);
  conversation.n_turns = visit.n_turns;
  conversation.n_pages = n_pages;
  conversation.marks = visit.marks;
  conversation.n_prompt_pages = visit.n_prompt_pages;
  conversation.ended = now;
  conversation.has_returned = false;
  for (const uint64_t mark : visit.marks) by_mark_[mark] = tail;
  ++n_ended_[turn_class(visit.n_turns)];
  keep(conversation, node);
  expire(now);
  while (tree_.n_only_kept() > options_.n_keepable && give_up()) {
  }
  while (conversations_.size() > kMaxConversations) forget(least_likely(false));
}

/// The next turn stands for the last one, unless others still go on from there, or it went on beside it.
void WorkingSet::leave(const Visit& visit, bool has_computed) {
  const auto place = conversations_.find(*visit.from);
  if (place == conversations_.end() || --place->second.n_visits > 0 || !has_computed) return;
  if (visit.n_shared_pages >= place->second.n_prompt_pages) forget(place);
}

void WorkingSet::expire(int64_t now) {
  const int64_t oldest = now - longest_gap();
  for (auto place = conversations_.begin(); place != conversations_.end();) {
    const auto next = std::next(place);
    if (place->second.n_visits == 0 && place->second.ended < oldest) forget(place);
    place = next;
  }
}

void WorkingSet::keep(Conversation& conversation, RadixTree::Node* node) {
  tree_.keep(node);
  conversation.node = node;
}

void WorkingSet::let_go(Conversation& conversation) {
  if (conversation.node != nullptr) tree_.let_go(conversation.node);
  conversation.node = nullptr;
}

void WorkingSet::forget(Conversations::iterator place) {
  let_go(place->second);
  for (const uint64_t mark : place->second.marks) {
    const auto found = by_mark_.find(mark);
    if (found != by_mark_.end() && found->second == place->first) by_mark_.erase(found);
  }
  conversations_.erase(place);
}

/// Those whose next turn already waits come last, then those with the best chance, then those that ended last.
WorkingSet::Conversations::iterator WorkingSet::least_likely(bool only_kept) {
  const auto rank = [&](const Conversation& c) { return std::tuple(c.n_visits > 0, chance(c), c.ended); };
  auto least = conversations_.end();
  for (auto place = conversations_.begin(); place != conversations_.end(); ++place) {
    if (only_kept && place->second.node == nullptr) continue;
    if (least == conversations_.end() || rank(place->second) < rank(least->second)) least = place;
  }
  return least;
}

bool WorkingSet::give_up() {
  const auto least = least_likely(true);
  if (least == conversations_.end()) return false;
  let_go(least->second);
  return true;
}

double WorkingSet::expected_pages() const {
  double n_pages = 0;
  for (const auto& [tail, conversation] : conversations_) {
    if (conversation.n_visits == 0) n_pages += chance(conversation) * static_cast<double>(conversation.n_pages);
  }
  return n_pages;
}

std::vector<RadixTree::Node*> WorkingSet::pinned() const {
  std::vector<RadixTree::Node*> nodes;
  for (const auto& [tail, conversation] : conversations_) {
    if (conversation.node != nullptr) nodes.push_back(conversation.node);
  }
  return nodes;
}

}  // namespace drawbridge
