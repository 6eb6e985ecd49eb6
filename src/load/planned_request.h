// PlannedRequest: what a workload wants sent next; Workload: where they come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge {

struct LoadMessage {
  std::string role;
  std::string text;
};

struct PlannedRequest {
  std::vector<LoadMessage> messages;  // to be added to what the conversation holds so far
  int64_t conversation = -1;          // -1: alone
  int64_t turn = 0;
  bool ends_conversation = true;
  std::optional<double> due_s;  // of a trace that is replayed
  int64_t n_prompt = 0;         // tokens, what the conversation holds so far included
  int64_t n_cached = 0;         // of them, in a prefix that was sent before
  int64_t n_output = 0;
};

class Workload {
 public:
  virtual ~Workload() = default;

  /// The next request of a lane; none when the workload is at its end. Turns of one conversation come out of one lane,
  /// one after the other: in a closed loop a lane is a client, in an open one they take turns.
  virtual Result<std::optional<PlannedRequest>> next(int64_t lane) = 0;
  virtual int64_t n_lanes() const { return 1; }
  /// "fixed 20000 in 1000 out, 60% shared prefix".
  virtual std::string description() const = 0;
  /// How cache hits are made; empty: not on purpose.
  virtual std::string cache_design() const { return ""; }
};

}  // namespace drawbridge
