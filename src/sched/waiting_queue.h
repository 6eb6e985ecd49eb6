// WaitingQueue: who is admitted next. Higher priority first; then the tenant that has used the least; in one tenant
// what is cheapest to admit, then who came first.
//
// Tenants are charged for what their requests take (virtual time): a tenant that floods the queue only delays itself.
// Aging bounds everything above: a request is passed by at most `max_passed` requests that came later, whatever their
// priority, tenant or cost. One that has been passed so often goes before all that came later, and these wait for it.
// Pure: the same calls give the same order. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sched/plan.h"

namespace drawbridge {

/// Whom a request belongs to and how it is to be treated.
struct RequestClass {
  std::string tenant;    // empty: the one of all unnamed
  int32_t priority = 0;  // higher goes first
};

/// Whether a waiting request may be admitted now.
enum class Admission { kWait, kFits, kResident };  // kResident: it fits, and its prefix is in the cache

class WaitingQueue {
 public:
  explicit WaitingQueue(int64_t max_passed) : max_passed_(max_passed) {}

  /// A new request, last of its kind. The queue knows it until leave(), waiting or not.
  void join(RequestId id, const RequestClass& request_class);
  /// A request that was taken waits again, at the place of its arrival.
  void put_back(RequestId id);
  /// The next request that may be admitted, and waits no longer. `is_aged`: all that came later wait for this one.
  std::optional<RequestId> take(const std::function<Admission(RequestId, bool is_aged)>& admission);
  /// Forgets a request, waiting or not.
  void leave(RequestId id);
  /// The request has used `cost`: parts of a step and of the pool, in any one unit.
  void charge(RequestId id, double cost);

  int64_t n_waiting() const { return n_waiting_; }
  int64_t n_tenants() const { return static_cast<int64_t>(tenants_.size()); }

 private:
  struct Tenant {
    double used = 0;  // its virtual time
    int64_t n_requests = 0;
  };
  struct Member {
    RequestClass request_class;
    Tenant* tenant = nullptr;
    int64_t n_passed = 0;
    int64_t arrival = 0;
    bool waits = true;
  };

  void update_floor();
  bool goes_before(const Member& a, const Member& b) const;
  std::vector<std::pair<RequestId, const Member*>> in_order() const;
  void passed_by(const Member& taken);

  const int64_t max_passed_;
  std::map<std::string, Tenant> tenants_;
  std::map<RequestId, Member> members_;
  int64_t n_waiting_ = 0;
  int64_t n_arrivals_ = 0;
  double floor_ = 0;  // the least use among tenants with requests: where a new one starts
};

}  // namespace drawbridge
