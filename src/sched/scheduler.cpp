#include "sched/scheduler.h"

#include <algorithm>

#include "base/checked_math.h"

namespace drawbridge {
namespace {

WorkingSetOptions working_set_options(const SchedulerOptions& options) {
  return {static_cast<int64_t>(options.kept_share * static_cast<double>(options.n_pages)),
          options.n_pages * options.page_size};
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options)
    : options_(options),
      pool_(options.n_pages),
      tree_(options.n_pages, options.page_size, options.n_host_slots + options.n_disk_slots > 0),
      host_(options.n_host_slots),
      disk_(options.n_disk_slots),
      queue_(options.max_passed),
      working_set_(tree_, working_set_options(options)),
      max_step_tokens_(options.max_step_tokens) {
  DB_CHECK(options.page_size > 0 && options.max_running > 0 && options.max_step_tokens > 0);
  DB_CHECK(options.spare_logit_rows >= 0);
}

Scheduler::Entry& Scheduler::entry(RequestId id) {
  const auto place = entries_.find(id);
  DB_CHECK(place != entries_.end());
  return place->second;
}

const Scheduler::Entry& Scheduler::entry(RequestId id) const {
  const auto place = entries_.find(id);
  DB_CHECK(place != entries_.end());
  return place->second;
}

bool Scheduler::is_running(RequestId id) const {
  return std::find(running_.begin(), running_.end(), id) != running_.end();
}

Status Scheduler::add(RequestId id, const SchedulerRequest& request) {
  const auto n_prompt = static_cast<int64_t>(request.prompt.size());
  DB_CHECK(n_prompt > 0 && n_prompt <= request.n_max && !entries_.contains(id));
  if (ceil_div(request.n_max, options_.page_size) > pool_.n_total()) {
    return fail(Code::kOutOfRange,
                "the request may grow to {} tokens, the cache holds {}: lower max_tokens or raise "
                "--kv-tokens",
                request.n_max, pool_.n_total() * options_.page_size);
  }
  Entry& e = entries_[id];
  e.tokens.assign(request.prompt.begin(), request.prompt.end());
  e.n_prompt = n_prompt;
  e.n_max = request.n_max;
  e.domain = request.domain;
  e.n_without_logits = request.prompt_logits ? 0 : n_prompt - 1;
  if (options_.prefix_cache && options_.kept_share > 0 && !request.prompt_logits) {
    e.visit = working_set_.arrive(prefix_keys(e.domain, e.tokens, options_.page_size), n_computed_);
  }
  queue_.join(id, request.request_class);
  return Status();
}

void Scheduler::limit_step(int64_t max_tokens) {
  max_step_tokens_ = std::clamp<int64_t>(max_tokens, 1, options_.max_step_tokens);
}

/// Available pages that are not kept and that no running request is going to need for the tokens it knows.
int64_t Scheduler::n_unpromised() const {
  int64_t n = n_available() - tree_.n_only_kept();
  for (const RequestId id : running_) {
    const Entry& e = entry(id);
    n -= ceil_div(e.n_known(), options_.page_size) - static_cast<int64_t>(e.pages.size());
  }
  return n;
}

/// A request is admitted when its whole known text fits beside that of those that run: half-admitted prompts would only
/// preempt each other. What is kept for others is given up for one that has waited long enough, or when nobody runs.
Admission Scheduler::admission(RequestId id, bool is_aged, int64_t& n_free) {
  const Entry& e = entry(id);
  const bool is_kept = working_set_.is_kept(e.visit);
  // Not more than start() can use: the last known token is computed anew.
  const int64_t n_kept = std::min(working_set_.n_kept(e.visit), (e.n_known() - 1) / options_.page_size);
  const int64_t n_needed = ceil_div(e.n_known(), options_.page_size) - n_kept;
  if ((is_aged || running_.empty()) && n_needed <= n_free + tree_.n_only_kept()) {
    while (n_needed > n_free && working_set_.give_up()) n_free = n_unpromised();
  }
  if (n_needed > n_free) return Admission::kWait;
  return is_kept ? Admission::kResident : Admission::kFits;
}

void Scheduler::admit(Plan& plan) {
  while (n_running() < options_.max_running) {
    int64_t n_free = n_unpromised();
    const auto id = queue_.take([&](RequestId waiting, bool is_aged) { return admission(waiting, is_aged, n_free); });
    if (!id) return;
    if (!start(*id, plan)) return queue_.put_back(*id);
    running_.push_back(*id);
  }
}

/// Gives a waiting request its cached prefix. False: less of it is there than was hoped for, and the rest does not fit.
bool Scheduler::start(RequestId id, Plan& plan) {
  Entry& e = entry(id);
  // The last known token is always computed: its logits are what is wanted.
  const int64_t n_matchable = options_.prefix_cache ? std::min(e.n_known() - 1, e.n_without_logits) : 0;
  RadixTree::Match match = tree_.match(e.domain, std::span(e.tokens).first(static_cast<size_t>(n_matchable)));
  tree_.pin(match.node);
  const auto n_shared = static_cast<int64_t>(match.pages.size());
  if (ceil_div(e.n_known(), options_.page_size) - n_shared > n_unpromised()) {
    tree_.unpin(match.node);
    return false;
  }
  e.node = match.node;
  e.pages = std::move(match.pages);
  e.n_shared = n_shared;
  e.n_computed = n_shared * options_.page_size;
  Start start{id};
  load_pages(e, n_matchable, start, plan);
  if (!e.is_loading && match.n_partial > 0) {
    // This may evict the very page that is matched: until the step's copies are done it still holds the tokens.
    e.pages.push_back(take_page(plan).value());
    e.n_computed += match.n_partial;
    if (e.pages.back() != match.partial_page) {
      plan.copies.push_back({match.partial_page, e.pages.back(), match.n_partial});
    }
  }
  start.n_cached = e.n_computed;
  plan.started.push_back(start);
  return true;
}

/// Goes on behind what the tree has with whole pages of slower tiers. They are the tree's once they are known to be
/// read.
void Scheduler::load_pages(Entry& e, int64_t n_matchable, Start& start, Plan& plan) {
  std::string name = RadixTree::name_of(e.node);
  const int64_t size = options_.page_size;
  if (name.empty()) return;
  for (; e.n_computed + size <= n_matchable; e.n_computed += size) {
    name = page_key(name, std::span(e.tokens).subspan(static_cast<size_t>(e.n_computed), static_cast<size_t>(size)));
    if (!host_.find(name) && !disk_.find(name)) return;
    const int32_t page = take_page(plan).value();
    // Looked up only now: what was evicted for the page may have taken its slot.
    const auto from_host = host_.find(name), from_disk = from_host ? std::nullopt : disk_.find(name);
    if (!from_host && !from_disk) return pool_.release({&page, 1});
    (from_host ? start.n_from_host : start.n_from_disk) += size;
    plan.copies.push_back(
        {from_host ? *from_host : *from_disk, page, size, from_host ? Tier::kHost : Tier::kDisk, Tier::kDevice, name});
    e.pages.push_back(page);
    e.is_loading = true;
  }
}

/// Every page that the tree took goes to the disk tier once.
void Scheduler::write_pages(Plan& plan) {
  for (const RadixTree::NamedPage& page : unwritten_) {
    if (const auto slot = disk_.place(page.name)) {
      plan.copies.push_back({page.page, *slot, options_.page_size, Tier::kDevice, Tier::kDisk, page.name});
    }
  }
  unwritten_.clear();
}

void Scheduler::retract(const PageCopy& lost, Plan& plan) {
  DB_CHECK(lost.from_tier == Tier::kDisk);
  disk_.forget(lost.from);
  for (auto& [id, e] : entries_) {
    if (!e.is_loading || std::find(e.pages.begin(), e.pages.end(), lost.to) == e.pages.end()) continue;
    leave(e);
    std::erase(running_, id);
    queue_.put_back(id);
    std::erase_if(plan.grants, [id = id](const Grant& g) { return g.id == id; });
    std::erase_if(plan.started, [id = id](const Start& s) { return s.id == id; });
  }
}

Plan Scheduler::next() {
  Plan plan;
  write_pages(plan);
  admit(plan);
  Budget budget{max_step_tokens_, options_.spare_logit_rows};
  std::vector<RequestId> prompts;
  for (const RequestId id : std::vector(running_)) {
    if (!is_running(id)) continue;
    if (entry(id).n_missing() > 1) {
      prompts.push_back(id);
    } else {
      grant(id, 1, budget, plan);
    }
  }
  grant_prompts(std::move(prompts), budget, plan);
  // A later preemption may have taken back what was granted before it.
  const auto was_preempted = [&](RequestId id) {
    return std::find(plan.preempted.begin(), plan.preempted.end(), id) != plan.preempted.end();
  };
  std::erase_if(plan.grants, [&](const Grant& g) { return was_preempted(g.id); });
  return plan;
}

/// `prompts`: oldest first. The oldest gets half of the tokens and what the others leave, so that each moves on in the
/// end, however many short ones arrive; these go before the longer ones.
void Scheduler::grant_prompts(std::vector<RequestId> prompts, Budget& budget, Plan& plan) {
  std::erase_if(prompts, [&](RequestId id) { return !is_running(id); });
  if (prompts.empty()) return;
  int64_t n_others = 0;
  for (size_t i = 1; i < prompts.size(); ++i) n_others += entry(prompts[i]).n_missing();
  const int64_t n_half = ceil_div(budget.n_tokens, 2);
  grant(prompts.front(), std::max(n_half, budget.n_tokens - n_others), budget, plan);
  std::stable_sort(prompts.begin() + 1, prompts.end(),
                   [&](RequestId a, RequestId b) { return entry(a).n_missing() < entry(b).n_missing(); });
  for (size_t i = 1; i < prompts.size(); ++i) {
    if (is_running(prompts[i])) grant(prompts[i], budget.n_tokens, budget, plan);
  }
}

/// At most `most` tokens.
void Scheduler::grant(RequestId id, int64_t most, Budget& budget, Plan& plan) {
  const Entry& e = entry(id);
  const int64_t n_before_logits = std::max<int64_t>(e.n_without_logits - e.n_computed, 0);
  const int64_t n_tokens =
      std::min({e.n_missing(), budget.n_tokens, most, n_before_logits + 1 + budget.spare_logit_rows});
  if (n_tokens <= 0 || !reserve(id, n_tokens, plan)) return;
  const int64_t n_logits = std::max<int64_t>(n_tokens - n_before_logits, 0);
  budget.n_tokens -= n_tokens;
  budget.spare_logit_rows -= std::max<int64_t>(n_logits - 1, 0);
  plan.grants.push_back({id, e.n_computed, n_tokens, n_logits, n_tokens == e.n_missing()});
}

/// A page that nobody uses, or that only the cache does; what it held goes to the host tier. What is kept for
/// conversations to come goes last.
std::optional<int32_t> Scheduler::take_page(Plan& plan) {
  if (const auto page = pool_.take()) return page;
  auto evicted = tree_.evict();
  while (!evicted && working_set_.give_up()) evicted = tree_.evict();
  if (!evicted) return std::nullopt;
  const auto slot = evicted->name.empty() ? std::nullopt : host_.place(evicted->name);
  if (slot)
    plan.copies.push_back({evicted->page, *slot, options_.page_size, Tier::kDevice, Tier::kHost, evicted->name});
  return evicted->page;
}

/// Pages for n_tokens more; the newest running requests give up theirs when there are none. False: it lost its own.
bool Scheduler::reserve(RequestId id, int64_t n_tokens, Plan& plan) {
  Entry& e = entry(id);
  const auto wanted = static_cast<size_t>(ceil_div(e.n_computed + n_tokens, options_.page_size));
  while (e.pages.size() < wanted) {
    if (const auto page = take_page(plan)) {
      e.pages.push_back(*page);
      continue;
    }
    const RequestId newest = running_.back();
    preempt(newest);
    plan.preempted.push_back(newest);
    if (newest == id) return false;
  }
  return true;
}

void Scheduler::preempt(RequestId id) {
  leave(entry(id));
  std::erase(running_, id);
  queue_.put_back(id);
}

void Scheduler::commit(const Plan& plan, std::span<const int32_t> sampled) {
  for (const Start& start : plan.started) {
    Entry& e = entry(start.id);
    e.is_loading = false;
    if (options_.prefix_cache) share_full_pages(e);
  }
  size_t n_sampled = 0;
  for (const Grant& grant : plan.grants) {
    Entry& e = entry(grant.id);
    DB_CHECK(e.n_computed == grant.from);
    e.n_computed += grant.n_tokens;
    n_computed_ += grant.n_tokens;
    queue_.charge(grant.id, static_cast<double>(grant.n_tokens) / static_cast<double>(options_.max_step_tokens));
    DB_CHECK(e.n_computed <= e.n_known() && e.n_known() <= e.n_max);
    if (options_.prefix_cache) share_full_pages(e);
    if (grant.samples) e.tokens.push_back(sampled[n_sampled++]);
    // Of what is computed again after a preemption, only the last token's logits are news.
    e.n_without_logits = std::max(e.n_without_logits, grant.samples ? e.n_known() - 1 : e.n_computed);
  }
  DB_CHECK(n_sampled == sampled.size());
  // A step's tokens and the pool's pages weigh the same: whoever takes half of either has half of the engine.
  for (const RequestId id : running_) {
    queue_.charge(id, static_cast<double>(entry(id).pages.size()) / static_cast<double>(options_.n_pages));
  }
}

/// Pages whose tokens are all computed become the tree's; of two equal ones the request goes on with the older.
void Scheduler::share_full_pages(Entry& e) {
  while (e.n_computed - e.n_shared * options_.page_size >= options_.page_size) {
    const auto from = static_cast<size_t>(e.n_shared * options_.page_size);
    int32_t& page = e.pages[static_cast<size_t>(e.n_shared)];
    e.node = tree_.insert(e.node, std::span(e.tokens).subspan(from, static_cast<size_t>(options_.page_size)), page);
    tree_.move_pin_to(e.node);
    const int32_t cached = RadixTree::page_of(e.node);
    if (cached != page) {
      pool_.release({&page, 1});
      page = cached;
    } else if (disk_.n_slots() > 0) {
      unwritten_.push_back({page, RadixTree::name_of(e.node)});
    }
    ++e.n_shared;
  }
}

/// The request holds no page any more; what it computed stays in the tree.
void Scheduler::leave(Entry& e) {
  if (e.node == nullptr) return;
  if (e.is_loading) e.n_computed = e.n_shared * options_.page_size;
  auto own = std::span<const int32_t>(e.pages).subspan(static_cast<size_t>(e.n_shared));
  const int64_t from = e.n_shared * options_.page_size;
  if (options_.prefix_cache && e.n_computed > from) {
    const auto rest = std::span(e.tokens).subspan(static_cast<size_t>(from), static_cast<size_t>(e.n_computed - from));
    const RadixTree::Node* node = tree_.insert(e.node, rest, own.front());
    if (node != nullptr && RadixTree::page_of(node) == own.front()) own = own.subspan(1);
  }
  pool_.release(own);
  tree_.unpin(e.node);
  e.node = nullptr;
  e.pages.clear();
  e.n_shared = e.n_computed = 0;
  e.is_loading = false;
}

void Scheduler::remove(RequestId id) {
  Entry& e = entry(id);
  RadixTree::Node* const node = e.n_shared > 0 ? e.node : nullptr;
  const int64_t n_shared = e.n_shared;
  leave(e);
  working_set_.end(e.visit, node, n_shared, n_computed_);
  entries_.erase(id);
  std::erase(running_, id);
  queue_.leave(id);
}

double Scheduler::working_set_ratio() const {
  double n_pages = working_set_.expected_pages();
  for (const RequestId id : running_) n_pages += static_cast<double>(entry(id).pages.size());
  return n_pages / static_cast<double>(options_.n_pages);
}

std::span<const int32_t> Scheduler::pages(RequestId id) const {
  return entry(id).pages;
}

std::span<const int32_t> Scheduler::tokens(RequestId id) const {
  return entry(id).tokens;
}

Status Scheduler::check_integrity() const {
  std::vector<int32_t> in_use = tree_.pages();
  std::vector<RadixTree::Node*> pinned = working_set_.pinned();
  for (const auto& [id, e] : entries_) {
    in_use.insert(in_use.end(), e.pages.begin() + e.n_shared, e.pages.end());
    if (e.node != nullptr) pinned.push_back(e.node);
    if (static_cast<int64_t>(e.pages.size()) * options_.page_size < e.n_computed || e.n_computed > e.n_known()) {
      return fail(Code::kInternal, "request {}: {} pages for {} computed of {} known tokens", id, e.pages.size(),
                  e.n_computed, e.n_known());
    }
    if (e.n_shared > 0 && RadixTree::page_of(e.node) != e.pages[static_cast<size_t>(e.n_shared - 1)]) {
      return fail(Code::kInternal, "request {}: its last shared page is not the one it has pinned", id);
    }
  }
  DB_TRY(tree_.check_integrity(pinned));
  DB_TRY(host_.check_integrity());
  DB_TRY(disk_.check_integrity());
  return pool_.check_integrity(in_use);
}

}  // namespace drawbridge
