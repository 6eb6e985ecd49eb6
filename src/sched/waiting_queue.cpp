#include "sched/waiting_queue.h"

#include <algorithm>
#include <limits>

#include "base/result.h"

namespace drawbridge {

void WaitingQueue::join(RequestId id, const RequestClass& request_class) {
  // Who was away starts with the least use of those present: idle time is not saved up.
  Tenant& tenant = tenants_[request_class.tenant];
  if (tenant.n_requests++ == 0) tenant.used = std::max(tenant.used, floor_);
  const bool is_new = members_.emplace(id, Member{request_class, 0, n_arrivals_++, true}).second;
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
  if (a_class.tenant != b_class.tenant) {
    const double a_used = tenants_.at(a_class.tenant).used, b_used = tenants_.at(b_class.tenant).used;
    if (a_used != b_used) return a_used < b_used;
    return a_class.tenant < b_class.tenant;
  }
  return a.arrival < b.arrival;
}

std::vector<RequestId> WaitingQueue::in_order() const {
  std::vector<RequestId> order;
  for (const auto& [id, member] : members_) {
    if (member.waits) order.push_back(id);
  }
  std::sort(order.begin(), order.end(),
            [&](RequestId a, RequestId b) { return goes_before(members_.at(a), members_.at(b)); });
  return order;
}

std::optional<RequestId> WaitingQueue::take(const std::function<Admission(RequestId)>& admission) {
  std::optional<RequestId> best;
  int64_t newest_allowed = std::numeric_limits<int64_t>::max();  // an aged request lets no later one pass
  for (const RequestId id : in_order()) {
    const Member& member = members_.at(id);
    if (member.arrival > newest_allowed) continue;
    const RequestClass* found = best ? &members_.at(*best).request_class : nullptr;
    if (found != nullptr &&
        (found->tenant != member.request_class.tenant || found->priority != member.request_class.priority)) {
      break;
    }
    const bool is_aged = member.n_passed >= max_passed_;
    const Admission now = admission(id);
    if (now == Admission::kResident || (now == Admission::kFits && !best)) best = id;
    if (best == id && (is_aged || now == Admission::kResident)) break;
    if (is_aged) newest_allowed = std::min(newest_allowed, member.arrival);
  }
  if (!best) return best;
  Member& taken = members_.at(*best);
  taken.waits = false;
  --n_waiting_;
  passed_by(taken);
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
  --tenants_.at(place->second.request_class.tenant).n_requests;
  members_.erase(place);
  update_floor();
}

void WaitingQueue::charge(RequestId id, double cost) {
  tenants_.at(members_.at(id).request_class.tenant).used += cost;
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
