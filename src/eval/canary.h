// Canaries: random tokens, filler, and the same random tokens again. A model whose attention still finds the first copy
// predicts the second; that needs no skill in any language, so even a weak model tells when its indexer is damaged.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace drawbridge {

struct CanaryWindow {
  int64_t length = 0;  // tokens asked for
  std::vector<int32_t> tokens;
  int64_t first = 0;   // where the first copy starts
  int64_t second = 0;  // where the second copy starts
  int64_t n = 0;       // tokens of a copy
};

struct CanaryPlan {
  std::vector<int64_t> lengths;
  int64_t n_per_length = 2;
  uint64_t seed = 1;
  std::vector<int32_t> prefix;  // of every window
};

/// Random and filler tokens come from `text`, so that all are tokens which the model has met. Lengths too short for two
/// copies are left out.
std::vector<CanaryWindow> make_canaries(const CanaryPlan& plan, std::span<const int32_t> text);

}  // namespace drawbridge
