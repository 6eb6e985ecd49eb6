#include "sched/scheduler.h"

#include <algorithm>

#include "base/checked_math.h"

namespace drawbridge {

Scheduler::Scheduler(const SchedulerOptions& options) : options_(options), pool_(options.n_pages) {
  DB_CHECK(options.page_size > 0 && options.max_running > 0 && options.max_step_tokens > 0);
}

Scheduler::Entry& Scheduler::entry(RequestId id) {
  const auto place = entries_.find(id);
  DB_CHECK(place != entries_.end());
  return place->second;
}

Status Scheduler::add(RequestId id, int64_t n_prompt, int64_t n_max) {
  DB_CHECK(n_prompt > 0 && n_prompt <= n_max && !entries_.contains(id));
  if (ceil_div(n_max, options_.page_size) > pool_.n_total()) {
    return fail(Code::kOutOfRange,
                "the request may grow to {} tokens, the cache holds {}: lower max_tokens or raise "
                "--kv-tokens",
                n_max, pool_.n_total() * options_.page_size);
  }
  entries_.emplace(id, Entry{n_prompt, 0, n_max, {}});
  waiting_.push_back(id);
  return Status();
}

void Scheduler::admit() {
  while (!waiting_.empty() && n_running() < options_.max_running) {
    // A request is admitted when its whole known text fits: half-admitted prompts would only preempt each other.
    const Entry& next = entry(waiting_.front());
    if (ceil_div(next.n_known, options_.page_size) > pool_.n_free()) return;
    running_.push_back(waiting_.front());
    waiting_.pop_front();
  }
}

Plan Scheduler::next() {
  admit();
  Plan plan;
  int64_t budget = options_.max_step_tokens;
  const std::vector<RequestId> order = running_;
  for (const bool single : {true, false}) {
    for (const RequestId id : order) {
      const Entry& e = entry(id);
      const bool is_running = std::find(running_.begin(), running_.end(), id) != running_.end();
      if (is_running && (e.n_known - e.n_computed == 1) == single) grant(id, budget, plan);
    }
  }
  // A later preemption may have taken back what was granted before it.
  std::erase_if(plan.grants, [&](const Grant& g) {
    return std::find(plan.preempted.begin(), plan.preempted.end(), g.id) != plan.preempted.end();
  });
  return plan;
}

void Scheduler::grant(RequestId id, int64_t& budget, Plan& plan) {
  const Entry& e = entry(id);
  const int64_t n_tokens = std::min(e.n_known - e.n_computed, budget);
  if (n_tokens <= 0 || !reserve(id, n_tokens, plan)) return;
  budget -= n_tokens;
  plan.grants.push_back({id, e.n_computed, n_tokens, e.n_computed + n_tokens == e.n_known});
}

/// Pages for n_tokens more; takes them from the newest running requests when none are free. False: it lost its own.
bool Scheduler::reserve(RequestId id, int64_t n_tokens, Plan& plan) {
  Entry& e = entry(id);
  const auto wanted = static_cast<size_t>(ceil_div(e.n_computed + n_tokens, options_.page_size));
  while (e.pages.size() < wanted) {
    if (const auto page = pool_.take()) {
      e.pages.push_back(*page);
      continue;
    }
    const RequestId newest = running_.back();
    preempt(newest, plan);
    if (newest == id) return false;
  }
  return true;
}

void Scheduler::preempt(RequestId id, Plan& plan) {
  Entry& e = entry(id);
  pool_.release(e.pages);
  e.pages.clear();
  e.n_computed = 0;
  std::erase(running_, id);
  waiting_.push_front(id);
  plan.preempted.push_back(id);
}

void Scheduler::commit(const Plan& plan) {
  for (const Grant& grant : plan.grants) {
    Entry& e = entry(grant.id);
    DB_CHECK(e.n_computed == grant.from);
    e.n_computed += grant.n_tokens;
    if (grant.wants_logits) ++e.n_known;
    DB_CHECK(e.n_computed <= e.n_known && e.n_known <= e.n_max + 1);
  }
}

void Scheduler::remove(RequestId id) {
  pool_.release(entry(id).pages);
  entries_.erase(id);
  std::erase(running_, id);
  std::erase(waiting_, id);
}

std::span<const int32_t> Scheduler::pages(RequestId id) const {
  const auto place = entries_.find(id);
  DB_CHECK(place != entries_.end());
  return place->second.pages;
}

Status Scheduler::check_integrity() const {
  std::vector<int32_t> in_use;
  for (const auto& [id, e] : entries_) {
    in_use.insert(in_use.end(), e.pages.begin(), e.pages.end());
    if (static_cast<int64_t>(e.pages.size()) * options_.page_size < e.n_computed) {
      return fail(Code::kInternal, "request {}: {} pages for {} computed tokens", id, e.pages.size(), e.n_computed);
    }
  }
  return pool_.check_integrity(in_use);
}

}  // namespace drawbridge
