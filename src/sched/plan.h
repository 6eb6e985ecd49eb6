// Plan: what one step computes. Plain data: printable, comparable, replayable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace drawbridge {

using RequestId = uint64_t;

/// Tokens [from, from + n_tokens) of a request. The last n_logits of them yield logits.
struct Grant {
  RequestId id = 0;
  int64_t from = 0;
  int64_t n_tokens = 0;
  int64_t n_logits = 0;
  bool samples = false;  // the last of them is its last known token: its logits choose the next

  bool operator==(const Grant&) const = default;
};

enum class Tier : uint8_t { kDevice, kHost, kDisk };

/// The first n_tokens of a page, to be copied into another before anything of the step is computed.
struct PageCopy {
  int32_t from = 0;  // a page of the device, or a slot of a slower tier
  int32_t to = 0;
  int64_t n_tokens = 0;
  Tier from_tier = Tier::kDevice;
  Tier to_tier = Tier::kDevice;
  std::string name = {};  // page_key(), where a tier is a slower one

  bool operator==(const PageCopy&) const = default;
};

/// A request that begins, or begins again after a preemption, with its first n_cached tokens computed.
struct Start {
  RequestId id = 0;
  int64_t n_cached = 0;
  int64_t n_from_host = 0;  // of these
  int64_t n_from_disk = 0;  // of these

  bool operator==(const Start&) const = default;
};

struct Plan {
  std::vector<Grant> grants;
  std::vector<RequestId> preempted;  // lost their pages in this decision; they will begin again
  std::vector<PageCopy> copies;      // in this order
  std::vector<Start> started;

  bool operator==(const Plan&) const = default;
};

}  // namespace drawbridge
