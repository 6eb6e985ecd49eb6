// Dispatcher: sends planned requests, each as soon as it may: its conversation's last turn has ended, and fewer than
// the allowed number are under way. Notes what came back.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "load/generator.h"
#include "load/request_body.h"

namespace drawbridge {

/// A planned request with its place in the run. Its body is made ahead where it depends on no answer.
struct DueRequest {
  PlannedRequest plan;
  RequestRecord record;
  std::string body;
};

DueRequest make_due_request(const RequestForm& form, PlannedRequest plan);

class Dispatcher {
 public:
  using OnEnd = std::function<void(const StreamAnswer&)>;

  Dispatcher(StreamClient& client, const RunClock& clock, RequestForm form, int64_t max_concurrency)
      : client_(client), clock_(clock), form_(std::move(form)), max_concurrency_(max_concurrency) {}

  /// `on_end` is called once it has ended, never within this call.
  void dispatch(DueRequest request, OnEnd on_end);
  /// Drops what waits; what is under way ends with the error "stopped".
  void stop();

  int64_t n_in_flight() const { return n_in_flight_; }
  int64_t n_waiting() const { return n_waiting_; }
  /// Turns whose time came before the turn before had ended.
  int64_t n_postponed() const { return n_postponed_; }

 private:
  struct Waiting {
    DueRequest request;
    OnEnd on_end;
  };
  struct Conversation {
    std::vector<LoadMessage> messages;
    bool is_busy = false;
    std::deque<Waiting> waiting;
  };

  void send(Waiting next);
  std::string body_of(const DueRequest& request);
  void ended(const PlannedRequest& plan, const StreamAnswer& answer);
  void take_turn(const PlannedRequest& plan, const StreamAnswer& answer);
  void send_waiting();

  StreamClient& client_;
  const RunClock& clock_;
  const RequestForm form_;
  const int64_t max_concurrency_;
  std::unordered_map<int64_t, Conversation> conversations_;
  std::deque<Waiting> waiting_;  // for one under way to end
  int64_t n_in_flight_ = 0;
  int64_t n_waiting_ = 0;
  int64_t n_postponed_ = 0;
};

}  // namespace drawbridge
