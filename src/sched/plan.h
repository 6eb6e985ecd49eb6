// Plan: what one step computes. Plain data: printable, comparable, replayable.
#pragma once

#include <cstdint>
#include <vector>

namespace drawbridge {

using RequestId = uint64_t;

/// Tokens [from, from + n_tokens) of a request. Its last known token yields logits.
struct Grant {
  RequestId id = 0;
  int64_t from = 0;
  int64_t n_tokens = 0;
  bool wants_logits = false;

  bool operator==(const Grant&) const = default;
};

struct Plan {
  std::vector<Grant> grants;
  std::vector<RequestId> preempted;  // lost their pages in this decision; they will be recomputed

  bool operator==(const Plan&) const = default;
};

}  // namespace drawbridge
