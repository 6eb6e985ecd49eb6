// Python's random.Random(seed).sample(): the public harnesses choose their examples and shuffle their choices by it, so
// equal prompts need equal draws. Mersenne Twister (Matsumoto, Nishimura 1998) and CPython's way from bits to samples.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace drawbridge {

class PythonRandom {
 public:
  explicit PythonRandom(uint64_t seed);

  /// random.sample(range(n), k); wants 0 <= k <= n.
  std::vector<size_t> sample(size_t n, size_t k);

 private:
  uint32_t next();
  size_t below(size_t n);

  std::array<uint32_t, 624> state_;
  size_t at_ = 624;
};

}  // namespace drawbridge
