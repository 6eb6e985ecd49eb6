// Difference: where two runs of the same requests first part, bit for bit.
#pragma once

#include <optional>
#include <string>

#include "prove/workload.h"

namespace drawbridge {

struct Difference {
  int64_t turn = 0;
  int64_t request = 0;
  int64_t position = 0;      // of the answer's tokens
  int32_t wanted_token = 0;  // -1: none there
  int32_t found_token = 0;
  double logit_gap = 0;  // largest over the vocabulary at that position; infinite where one has no logits

  std::string text() const;
};

/// The first by turn, request and position. Nothing: all tokens and all bits of all logits are the same.
std::optional<Difference> first_difference(const ProofRun& wanted, const ProofRun& found);

}  // namespace drawbridge
