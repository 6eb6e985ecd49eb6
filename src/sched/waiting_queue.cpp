#include "sched/waiting_queue.h"

#include <algorithm>
#include <limits>

#include "base/result.h"

namespace drawbridge {

void WaitingQueue::join(RequestId id, const RequestClass& request_class) {
  // Who was away starts with the least use of those present: idle time is not saved up.
  Tenant& tenant = tenants_[request_class.tenant];
  if (tenant.n_requests++ == 0) tenant.used = std::max(tenant.used, floor_);
  const bool is_new = members_.emplace(id, Member{request_class, &tenant, 0, n_arrivals_++, true}).second;
  DB_CHECK(is_new);
  ++n_waiting_;
}

void WaitingQueue::put_back(RequestId id) {
  Member& member = members_.at(id);
  DB_CHECK(!member.waits);
  member.waits = true;
  ++n_waiting_;
}

bool WaitingQueue::goes_before(const Member& a, const Member& b) const {
  const bool a_aged = a.n_passed >= max_passed_, b_aged = b.n_passed >= max_passed_;
  if (a_aged != b_aged) return a_aged;
  if (a_aged) return a.arrival < b.arrival;
  const RequestClass &a_class = a.request_class, &b_class = b.request_class;
  if (a_class.priority != b_class.priority) return a_class.priority > b_class.priority;
  if (a.tenant != b.tenant) {
    if (a.tenant->used != b.tenant->used) return a.tenant->used < b.tenant->used;
    return a_class.tenant < b_class.tenant;
  }
  return a.arrival < b.arrival;
}

std::vector<std::pair<RequestId, const WaitingQueue::Member*>> WaitingQueue::in_order() const {
  std::vector<std::pair<RequestId, const Member*>> order;
  for (const auto& [id, member] : members_) {
    if (member.waits) order.emplace_back(id, &member);
  }
  std::sort(order.begin(), order.end(),
            [&](const auto& a, const auto& b) { return goes_before(*a.second, *b.second); });
  return order;
}

std::optional<RequestId> WaitingQueue::take(const std::function<Admission(RequestId, bool)>& admission) {
  std::optional<RequestId> best;
  const Member* best_member = nullptr;
  int64_t newest_allowed = std::numeric_limits<int64_t>::max();  // an aged request lets no later one pass
  for (const auto& [id, member] : in_order()) {
    if (member->arrival > newest_allowed) continue;
    if (best && (member->tenant != best_member->tenant ||
                 member->request_class.priority != best_member->request_class.priority)) {
      break;
    }
    const bool is_aged = member->n_passed >= max_passed_;
    const Admission now = admission(id, is_aged);
    if (now == Admission::kResident || (now == Admission::kFits && !best)) best = id, best_member = member;
    if (best == id && (is_aged || now == Admission::kResident)) break;
    if (is_aged) newest_allowed = std::min(newest_allowed, member->arrival);
  }
  if (!best) return best;
  members_.at(*best).waits = false;
  --n_waiting_;
  passed_by(*best_member);
  return best;
}

void WaitingQueue::passed_by(const Member& taken) {
  for (auto& [id, member] : members_) {
    if (member.waits && member.arrival < taken.arrival) ++member.n_passed;
  }
}

void WaitingQueue::leave(RequestId id) {
  const auto place = members_.find(id);
  DB_CHECK(place != members_.end());
  n_waiting_ -= place->second.waits ? 1 : 0;
  --place->second.tenant->n_requests;
  members_.erase(place);
  update_floor();
}

void WaitingQueue::charge(RequestId id, double cost) {
  members_.at(id).tenant->used += cost;
  update_floor();
}

/// The floor only rises. A tenant without requests is forgotten once it would start there anyway.
void WaitingQueue::update_floor() {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [name, tenant] : tenants_) {
    if (tenant.n_requests > 0) least = std::min(least, tenant.used);
  }
  if (least != std::numeric_limits<double>::infinity()) floor_ = std::max(floor_, least);
  std::erase_if(tenants_, [&](const auto& item) { return item.second.n_requests == 0 && item.second.used <= floor_; });
}

}  // namespace drawbridge
