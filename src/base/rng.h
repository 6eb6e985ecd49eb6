// Counter-based random numbers: a pure function of (seed, counter), so any draw can be repeated out of order.
// splitmix64's finalizer (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#pragma once

#include <cstdint>

namespace drawbridge {

inline uint64_t mix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// 64 random bits.
inline uint64_t bits_at(uint64_t seed, uint64_t counter) {
  return mix64(mix64(seed + 0x9e3779b97f4a7c15u) + (counter + 1) * 0x9e3779b97f4a7c15u);
}

/// Uniform in [0, 1), 53 bits.
inline double uniform_at(uint64_t seed, uint64_t counter) {
  return static_cast<double>(bits_at(seed, counter) >> 11) * 0x1.0p-53;
}

}  // namespace drawbridge
