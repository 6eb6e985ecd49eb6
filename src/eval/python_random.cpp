#include "eval/python_random.h"

#include <bit>
#include <numeric>
#include <set>

#include "base/check.h"

namespace drawbridge {
namespace {

constexpr size_t kStateSize = 624;
constexpr size_t kShift = 397;

/// init_genrand of the reference implementation.
void fill(std::array<uint32_t, kStateSize>& state, uint32_t seed) {
  state[0] = seed;
  for (size_t i = 1; i < kStateSize; ++i) {
    state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + static_cast<uint32_t>(i);
  }
}

uint32_t twist(uint32_t high, uint32_t low) {
  const uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
  return (mixed >> 1) ^ ((mixed & 1u) != 0 ? 0x9908b0dfu : 0u);
}

/// From which population size on CPython remembers what it took instead of copying the population.
size_t set_size(size_t k) {
  size_t size = 21;
  if (k <= 5) return size;
  size_t power = 1;
  while (power < 3 * k) power *= 4;
  return size + power;
}

}  // namespace

/// init_by_array of the seed's 32-bit words, as CPython seeds from an integer.
PythonRandom::PythonRandom(uint64_t seed) {
  std::vector<uint32_t> key = {static_cast<uint32_t>(seed)};
  if (seed >> 32 != 0) key.push_back(static_cast<uint32_t>(seed >> 32));
  fill(state_, 19650218u);
  size_t i = 1;
  const auto advance = [&] {
    if (++i < kStateSize) return;
    state_[0] = state_[kStateSize - 1];
    i = 1;
  };
  for (size_t k = 0; k < kStateSize; ++k) {
    const size_t j = k % key.size();
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + key[j] + static_cast<uint32_t>(j);
    advance();
  }
  for (size_t k = 1; k < kStateSize; ++k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) - static_cast<uint32_t>(i);
    advance();
  }
  state_[0] = 0x80000000u;
}

uint32_t PythonRandom::next() {
  if (at_ == kStateSize) {
    for (size_t i = 0; i < kStateSize; ++i) {
      state_[i] = state_[(i + kShift) % kStateSize] ^ twist(state_[i], state_[(i + 1) % kStateSize]);
    }
    at_ = 0;
  }
  uint32_t y = state_[at_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

/// Uniform in [0, n), by as many bits as n has, drawn again until they are below it.
size_t PythonRandom::below(size_t n) {
  DB_CHECK(n > 0 && n <= UINT32_MAX);
  const auto n_bits = static_cast<int>(std::bit_width(n));
  size_t drawn = n;
  while (drawn >= n) drawn = next() >> (32 - n_bits);
  return drawn;
}

std::vector<size_t> PythonRandom::sample(size_t n, size_t k) {
  DB_CHECK(k <= n);
  std::vector<size_t> chosen;
  if (n <= set_size(k)) {
    std::vector<size_t> pool(n);
    std::iota(pool.begin(), pool.end(), size_t{0});
    for (size_t i = 0; i < k; ++i) {
      const size_t j = below(n - i);
      chosen.push_back(pool[j]);
      pool[j] = pool[n - i - 1];
    }
    return chosen;
  }
  std::set<size_t> taken;
  while (chosen.size() < k) {
    const size_t j = below(n);
    if (taken.insert(j).second) chosen.push_back(j);
  }
  return chosen;
}

}  // namespace drawbridge
