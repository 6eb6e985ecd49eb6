#include "eval/canary.h"

#include "base/check.h"
#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr int64_t kCopyTokens = 64;

CanaryWindow make_canary(const CanaryPlan& plan, int64_t length, uint64_t seed, std::span<const int32_t> text) {
  CanaryWindow window;
  window.length = length;
  window.tokens = plan.prefix;
  window.n = kCopyTokens;
  window.first = static_cast<int64_t>(window.tokens.size());
  std::vector<int32_t> copy;
  for (int64_t i = 0; i < kCopyTokens; ++i) {
    copy.push_back(text[bits_at(seed, static_cast<uint64_t>(i)) % text.size()]);
  }
  window.tokens.insert(window.tokens.end(), copy.begin(), copy.end());
  uint64_t next = bits_at(seed, kCopyTokens);
  while (static_cast<int64_t>(window.tokens.size()) < length - kCopyTokens) {
    window.tokens.push_back(text[next++ % text.size()]);
  }
  window.second = static_cast<int64_t>(window.tokens.size());
  window.tokens.insert(window.tokens.end(), copy.begin(), copy.end());
  return window;
}

}  // namespace

std::vector<CanaryWindow> make_canaries(const CanaryPlan& plan, std::span<const int32_t> text) {
  DB_CHECK(!text.empty());
  const int64_t shortest = static_cast<int64_t>(plan.prefix.size()) + 2 * kCopyTokens;
  std::vector<CanaryWindow> windows;
  for (const int64_t length : plan.lengths) {
    if (length < shortest) continue;
    for (int64_t i = 0; i < plan.n_per_length; ++i) {
      windows.push_back(make_canary(plan, length, bits_at(plan.seed, static_cast<uint64_t>(length * 1024 + i)), text));
    }
  }
  return windows;
}

}  // namespace drawbridge
